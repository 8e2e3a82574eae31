"""Start a session in a room, or join the one that is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from domain.access.access import Access
from domain.agents.agent_config import AgentConfig
from domain.rooms.token_signer import TOKEN_TTL, TokenSigner
from domain.sessions.agent_status import AgentStatus
from domain.sessions.ensure_agent import EnsureAgent, RoomNovelty
from domain.sessions.session import Session
from domain.shared.clock import Clock
from domain.shared.identifiers import Identity, RoomName
from domain.shared.ids import IdGenerator
from domain.shared.retry_on_conflict import RetryOnConflict


@attrs.frozen
class StartSessionCommand:
    """What the caller asks for, unchecked. A blank or absent room name means a new room.

    ``new_room`` is what a new room is called, where an earlier attempt may have begun it.
    """

    user_identity: str
    room_name: str | None = None
    agent_config: Mapping[str, Any] | None = None
    access: Access = attrs.field(kw_only=True)
    new_room: RoomName | None = None


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
    """Gives a caller a token for a room in which exactly one agent is, or is on its way."""

    ensure_agent: EnsureAgent
    token_signer: TokenSigner
    clock: Clock
    ids: IdGenerator
    retry_on_conflict: RetryOnConflict
    agent_name: str
    livekit_url: str
    agent_status: Callable[[Session], AgentStatus]

    async def __call__(self, command: StartSessionCommand) -> StartedSession:
        """Start or join.

        Raises ``InvalidInput``, ``MetadataTooLarge``,
        ``RoomTaken`` (another tenant's session is in that room, or was so
        lately that its users may still come in),
        ``LiveKitError`` (no agent is known to be dispatched; starting again
        settles it), ``SessionBusy``, ``SessionEnded`` or
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        candidate = self._candidate(command)
        room = RoomNovelty.NAMED
        if _named(command.room_name) is None:
            known = command.new_room is not None
            room = RoomNovelty.OURS if known else RoomNovelty.UNKNOWN_TO_ALL
        session = await self.retry_on_conflict.take(
            candidate.room_name, self._attempt(candidate, command.access, room)
        )
        identity = candidate.identity
        token = self.token_for(identity, session.room_name)
        status = self.agent_status(session)
        return StartedSession(session, identity, token, self.livekit_url, status)

    def fingerprint(self, command: StartSessionCommand) -> str:
        """SHA-256 of what is asked for, hexadecimal: the same in whatever way it is written.

        Raises ``InvalidInput`` or ``MetadataTooLarge``.
        """
        candidate = self._candidate(command)
        named = None if _named(command.room_name) is None else str(candidate.room_name)
        chosen = ["start session", str(candidate.identity), named, candidate.agent_config.chosen]
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()

    def _candidate(self, command: StartSessionCommand) -> Session:
        identity = Identity.parse(command.user_identity)
        named = _named(command.room_name)
        room_name = RoomName.parse(named) if named is not None else command.new_room
        candidate = Session(
            id=self.ids.session_id(),
            room_name=room_name or self.ids.room_name(),
            identity=identity,
            agent_name=self.agent_name,
            agent_config=AgentConfig.parse(command.agent_config),
            created_at=self.clock.now(),
            tenant=command.access.tenant,
        )
        candidate.metadata()  # refuses what is too large before anything is stored
        return candidate

    def token_for(self, identity: Identity, room_name: RoomName) -> str:
        """A new token with which ``identity`` joins the room."""
        return self.token_signer.join_token(identity, room_name, TOKEN_TTL)

    def _attempt(
        self, candidate: Session, access: Access, room: RoomNovelty
    ) -> Callable[[], Awaitable[Session]]:
        first = iter([room])
        again = RoomNovelty.NAMED if room is RoomNovelty.NAMED else RoomNovelty.OURS

        # A second attempt finds in the ledger what the first one left there.
        return lambda: self.ensure_agent(candidate, access, room=next(first, again))


def _named(wanted: str | None) -> str | None:
    """The room that is asked for, if one is."""
    return None if isinstance(wanted, str) and not wanted.strip() else wanted
