"""Start a session in a room, or join the one that is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import attrs

from domain.access.access import Access
from domain.agents.agent_config import AgentConfig
from domain.agents.use_agent import AgentReference, ChosenAgent, UseAgent, UseAgentCommand
from domain.rooms.token_options import LONGEST_TOKEN_TTL, TokenOptions, TokenRequest
from domain.rooms.token_signer import TokenSigner
from domain.sessions.agent_status import AgentStatus
from domain.sessions.await_user import AwaitUser
from domain.sessions.dispatch_timing import DispatchTiming
from domain.sessions.ensure_agent import EnsureAgent
from domain.sessions.room_novelty import RoomNovelty
from domain.sessions.session import Session
from domain.sessions.session_outline import token_end
from domain.sessions.user_identity import UserIdentities
from domain.shared.clock import Clock
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import Identity, RoomName
from domain.shared.ids import IdGenerator
from domain.shared.retry_on_conflict import RetryOnConflict


@attrs.frozen
class StartSessionCommand:
    """What the caller asks for, unchecked. A blank or absent room name means a new room.

    ``agent`` names a saved agent (``id`` or ``id@version``): ``agent_config`` is then merged into
    its configuration, and ``variables`` are the values of its variables. ``new_room`` is what a new
    room is called, where an earlier attempt may have begun it. ``dispatch`` is when the agent is
    dispatched, as :class:`DispatchTiming` spells it. ``agent_name`` is another agent than the
    default one, which the caller has checked.
    """

    user_identity: str
    room_name: str | None = None
    agent_config: Mapping[str, Any] | None = None
    access: Access = attrs.field(kw_only=True)
    new_room: RoomName | None = None
    agent: str | None = attrs.field(default=None, kw_only=True)
    variables: Mapping[str, Any] | None = attrs.field(default=None, kw_only=True)
    dispatch: str | None = None
    token: TokenRequest = attrs.field(factory=TokenRequest)
    agent_name: str | None = None


@attrs.frozen
class StartedSession:
    """The session, and the token with which ``identity`` joins its room at ``livekit_url``.

    ``agent_status`` is what this process knew of the agent.
    """

    session: Session
    identity: Identity
    token: str
    livekit_url: str
    agent_status: AgentStatus


@attrs.frozen(kw_only=True)
class StartSession:
    """Gives a caller a token for a room in which exactly one agent is, or is on its way.

    With ``dispatch`` ``on_join`` that holds once a user has joined; LiveKit is not asked before.
    No token is valid for longer than ``longest_ttl``.
    """

    ensure_agent: EnsureAgent
    use_agent: UseAgent
    await_user: AwaitUser
    token_signer: TokenSigner
    clock: Clock
    ids: IdGenerator
    retry_on_conflict: RetryOnConflict
    agent_name: str
    livekit_url: str
    agent_status: Callable[[Session], AgentStatus]
    longest_ttl: timedelta = LONGEST_TOKEN_TTL
    identities: UserIdentities = attrs.field(factory=UserIdentities)

    async def __call__(self, command: StartSessionCommand) -> StartedSession:
        """Start or join.

        Raises ``InvalidInput``, ``MetadataTooLarge``, ``NotFound`` (of the saved agent),
        ``RoomTaken`` (another tenant's session is in that room, or was so
        lately that its users may still come in),
        ``LiveKitError`` (no agent is known to be dispatched; starting again
        settles it), ``SessionBusy``, ``SessionEnded`` or
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        candidate, options = await self.candidate(command), self.options_of(command)
        timing = DispatchTiming.parse(command.dispatch)
        waits = options.ttl if timing is DispatchTiming.ON_JOIN else None
        room = RoomNovelty.NAMED
        if _named(command.room_name) is None:
            known = command.new_room is not None
            room = RoomNovelty.OURS if known else RoomNovelty.UNKNOWN_TO_ALL
        session = await self.retry_on_conflict.take(
            candidate.room_name, self._attempt(candidate, command.access, room, waits)
        )
        identity = candidate.identity
        self.identities.check_free(identity, session)
        token = self.token_for(identity, session.room_name, options)
        status = self.agent_status(session)
        return StartedSession(session, identity, token, self.livekit_url, status)

    def fingerprint(self, command: StartSessionCommand) -> str:
        """SHA-256 of what is asked for, hexadecimal: the same in whatever way it is written.

        A saved agent counts by its name in the command: which version of it is active may change.
        Raises ``InvalidInput`` or ``MetadataTooLarge``.
        """
        identity, room_name = self._place(command)
        named = None if _named(command.room_name) is None else str(room_name)
        config = AgentConfig.parse(command.agent_config)
        config.metadata(session_id=str(self.ids.session_id()))  # refuses what is too large
        chosen: list[object] = ["start session", str(identity), named, config.chosen]
        # What is not there counts for nothing: as in versions before there was any.
        if _names_agent(command):
            agent = AgentReference.parse(command.agent)
            chosen += [str(agent), command.variables or {}, command.agent_config or {}]
        if (timing := DispatchTiming.parse(command.dispatch)) is not DispatchTiming.NOW:
            chosen.append(timing.value)
        options = self.options_of(command).chosen
        chosen += [options] if options else []
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()

    async def candidate(self, command: StartSessionCommand) -> Session:
        """Return the session that would begin in a room without one. Raises as above."""
        identity, room_name = self._place(command)
        if _names_agent(command):
            chosen = await self.use_agent(
                UseAgentCommand(
                    agent=command.agent,
                    variables=command.variables,
                    agent_config=command.agent_config,
                    access=command.access,
                )
            )
        else:
            chosen = ChosenAgent(config=AgentConfig.parse(command.agent_config))
        now = self.clock.now()
        candidate = Session(
            id=self.ids.session_id(),
            room_name=room_name or self.ids.room_name(),
            identity=identity,
            agent_name=command.agent_name or chosen.agent_name or self.agent_name,
            agent_config=chosen.config,
            agent_id=chosen.agent_id,
            agent_version=chosen.version,
            created_at=now,
            token_until=token_end(now, self.options_of(command).ttl),
            tenant=command.access.tenant,
        )
        candidate.metadata()  # refuses what is too large before anything is stored
        return candidate

    def _place(self, command: StartSessionCommand) -> tuple[Identity, RoomName | None]:
        """Return the user, and the room unless it is a new one without a name."""
        identity = self.identities.parse(command.user_identity)
        named = _named(command.room_name)
        return identity, RoomName.parse(named) if named is not None else command.new_room

    def options_of(self, command: StartSessionCommand) -> TokenOptions:
        """Return what the caller has chosen of the token. Raises ``InvalidInput``.

        A client that joins before its agent is dispatched is made to wait for the agent.
        """
        options = command.token.options(self.longest_ttl)
        waits = DispatchTiming.parse(command.dispatch) is DispatchTiming.ON_JOIN
        return attrs.evolve(options, awaits_agent=True) if waits else options

    def token_for(self, identity: Identity, room_name: RoomName, options: TokenOptions) -> str:
        """A new token with which ``identity`` joins the room."""
        return self.token_signer.join_token(identity, room_name, options)

    def _attempt(
        self, candidate: Session, access: Access, room: RoomNovelty, waits: timedelta | None
    ) -> Callable[[], Awaitable[Session]]:
        first = iter([room])
        again = RoomNovelty.NAMED if room is RoomNovelty.NAMED else RoomNovelty.OURS

        # A second attempt finds in the ledger what the first one left there.
        if waits is not None:
            return lambda: self.await_user(candidate, access, waits, room=next(first, again))
        return lambda: self.ensure_agent(candidate, access, room=next(first, again))


def _named(wanted: str | None) -> str | None:
    """The room that is asked for, if one is."""
    return None if isinstance(wanted, str) and not wanted.strip() else wanted


def _names_agent(command: StartSessionCommand) -> bool:
    """Return whether a saved agent is asked for. Raises ``InvalidInput``."""
    if command.agent is None and command.variables:
        raise InvalidInput(
            "variables are those of a saved agent: name it by agentId.", field="variables"
        )
    return command.agent is not None
