"""Issue a token as LiveKit's standard token endpoint does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from domain.access.access import Access
from domain.access.client_grant import ClientGrant
from domain.rooms.token_options import TokenRequest
from domain.sessions.dispatch_timing import DispatchTiming
from domain.sessions.start_session import StartedSession, StartSession, StartSessionCommand
from domain.sessions.token_policy import ChosenAgent, TokenPolicy
from domain.shared.errors import DomainError, InvalidInput, MetadataTooLarge, RoomTaken
from domain.shared.ids import IdGenerator

_NAMES: Final = {
    "userIdentity": "participant_identity",
    "roomName": "room_name",
    "participantName": "participant_name",
    "participantMetadata": "participant_metadata",
    "participantAttributes": "participant_attributes",
    "agentConfig": "room_config.agents[0].metadata",
}
"""What this endpoint calls the fields of other requests."""


@attrs.frozen(kw_only=True)
class IssueTokenCommand:
    """What a client asks for, unchecked. None and an empty text mean absent.

    ``grant`` is what its publishable key permits, if it has one.
    """

    room_name: str | None = None
    participant_identity: str | None = None
    participant_name: str | None = None
    participant_metadata: str | None = None
    participant_attributes: Mapping[str, str] | None = None
    room_config: Mapping[str, object] | None = None
    access: Access
    grant: ClientGrant | None = None


@attrs.frozen(kw_only=True)
class IssueToken:
    """Give a client a token for a room, in which one agent is once its user has joined.

    Clients fetch tokens in advance, keep them and throw them away: a token is no session. It
    carries ``roomConfig.agents``, so that the client waits for an agent, but the ledger dispatches:
    LiveKit ignores what a token asks for if the room exists, and a kept token names a session that
    has ended.
    """

    start_session: StartSession
    policy: TokenPolicy
    ids: IdGenerator

    async def __call__(self, command: IssueTokenCommand) -> StartedSession:
        """Return the token, and the session that waits for its user.

        Raises ``InvalidInput`` for what a client may not set, and as
        :class:`~domain.sessions.start_session.StartSession` with ``on_join``; errors name this
        endpoint's fields.
        """
        agent = self.policy.agent(command.room_config)
        if command.grant is not None:
            agent = _granted(command, agent, command.grant)
        token = TokenRequest(
            participant_name=command.participant_name or None,
            participant_metadata=self.policy.metadata(command.participant_metadata),
            participant_attributes=self.policy.attributes_of(command.participant_attributes),
        )
        start = StartSessionCommand(
            command.participant_identity or f"user-{self.ids.session_id()}",
            command.room_name,
            agent.config,
            access=command.access,
            dispatch=DispatchTiming.ON_JOIN.value,
            token=token,
            agent_name=agent.name,
            agent=None if command.grant is None else command.grant.agent_id,
        )
        try:
            return await self.start_session(start)
        except (InvalidInput, MetadataTooLarge, RoomTaken) as error:
            raise renamed(error) from error


def _granted(command: IssueTokenCommand, agent: ChosenAgent, grant: ClientGrant) -> ChosenAgent:
    """Return the agent of a publishable key. Raises ``InvalidInput``.

    A room that is named could be another user's.
    """
    if command.room_name:
        raise InvalidInput(
            "room_name may not be set with a publishable key; leave it out for a new room.",
            field="room_name",
        )
    if agent.name is not None and agent.name != grant.agent_name:
        raise InvalidInput(
            "This publishable key is for another agent; leave out agent_name.",
            field="room_config.agents[0].agent_name",
        )
    return attrs.evolve(agent, name=grant.agent_name)


def renamed(error: DomainError) -> DomainError:
    """Return the error with the names of this endpoint's fields."""
    text, details = str(error), dict(error.details)
    field = str(details.pop("field", ""))
    for name, own in _NAMES.items():
        text = text.replace(name, own)
        field = own + field.removeprefix(name) if field.startswith(name) else field
    return type(error)(text, field=field, **details)
