"""Start a session in a room, or join the one that is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from domain.access.access import SYSTEM, Access
from domain.agents.agent_config import AgentConfig
from domain.rooms.token_signer import TOKEN_TTL, TokenSigner
from domain.sessions.await_user import AwaitUser
from domain.sessions.dispatch_timing import DispatchTiming
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
    ``dispatch`` is when the agent is dispatched, as :class:`DispatchTiming` spells it.
    """

    user_identity: str
    room_name: str | None = None
    agent_config: Mapping[str, Any] | None = None
    access: Access = attrs.field(kw_only=True)
    new_room: RoomName | None = None
    dispatch: str | None = None


@attrs.frozen
class StartedSession:
    """The session, and the token with which ``identity`` joins its room at ``livekit_url``."""

    session: Session
    identity: Identity
    token: str
    livekit_url: str


@attrs.frozen(kw_only=True)
class StartSession:
    """Gives a caller a token for a room in which exactly one agent is, or is on its way.

    With ``dispatch`` ``on_join`` that holds once a user has joined; LiveKit is not asked before.
    """

    ensure_agent: EnsureAgent
    await_user: AwaitUser
    token_signer: TokenSigner
    clock: Clock
    ids: IdGenerator
    retry_on_conflict: RetryOnConflict
    agent_name: str
    livekit_url: str

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
        timing = DispatchTiming.parse(command.dispatch)
        room = RoomNovelty.NAMED
        if _named(command.room_name) is None:
            known = command.new_room is not None
            room = RoomNovelty.OURS if known else RoomNovelty.UNKNOWN_TO_ALL
        session = await self.retry_on_conflict.take(
            candidate.room_name, self._attempt(candidate, command.access, room, timing)
        )
        identity = candidate.identity
        token = self.token_for(identity, session.room_name)
        return StartedSession(session, identity, token, self.livekit_url)

    def fingerprint(self, command: StartSessionCommand) -> str:
        """SHA-256 of what is asked for, hexadecimal: the same in whatever way it is written.

        Raises ``InvalidInput`` or ``MetadataTooLarge``.
        """
        candidate = self._candidate(command)
        named = None if _named(command.room_name) is None else str(candidate.room_name)
        chosen = ["start session", str(candidate.identity), named, candidate.agent_config.chosen]
        if (timing := DispatchTiming.parse(command.dispatch)) is not DispatchTiming.NOW:
            chosen.append(timing.value)
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

    async def renew(self, session: Session) -> None:
        """Let users join a session whose agent waits for them, by a token that is made now.

        Raises ``SessionBusy`` or ``StorageUnavailable``.
        """
        room_name = session.room_name

        async def attempt() -> None:
            live = await self.await_user.ledger.get(session.id, SYSTEM)
            if live is not None and live.is_live and live.join_until is not None:
                await self.await_user.renewed(live, TOKEN_TTL)

        if session.join_until is not None:
            await self.retry_on_conflict.take(room_name, attempt)

    def token_for(self, identity: Identity, room_name: RoomName) -> str:
        """A new token with which ``identity`` joins the room."""
        return self.token_signer.join_token(identity, room_name, TOKEN_TTL)

    def _attempt(
        self, candidate: Session, access: Access, room: RoomNovelty, timing: DispatchTiming
    ) -> Callable[[], Awaitable[Session]]:
        first = iter([room])
        again = RoomNovelty.NAMED if room is RoomNovelty.NAMED else RoomNovelty.OURS

        # A second attempt finds in the ledger what the first one left there.
        if timing is DispatchTiming.ON_JOIN:
            return lambda: self.await_user(candidate, access, TOKEN_TTL, room=next(first, again))
        return lambda: self.ensure_agent(candidate, access, room=next(first, again))


def _named(wanted: str | None) -> str | None:
    """The room that is asked for, if one is."""
    return None if isinstance(wanted, str) and not wanted.strip() else wanted
