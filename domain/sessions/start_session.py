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
from domain.rooms.token_options import LONGEST_TOKEN_TTL, TokenOptions, TokenRequest
from domain.rooms.token_signer import TokenSigner
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
    ``agent_name`` is another agent than the default one, which the caller has checked.
    """

    user_identity: str
    room_name: str | None = None
    agent_config: Mapping[str, Any] | None = None
    access: Access = attrs.field(kw_only=True)
    new_room: RoomName | None = None
    dispatch: str | None = None
    token: TokenRequest = attrs.field(factory=TokenRequest)
    agent_name: str | None = None


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
    No token is valid for longer than ``longest_ttl``.
    """

    ensure_agent: EnsureAgent
    await_user: AwaitUser
    token_signer: TokenSigner
    clock: Clock
    ids: IdGenerator
    retry_on_conflict: RetryOnConflict
    agent_name: str
    livekit_url: str
    longest_ttl: timedelta = LONGEST_TOKEN_TTL

    async def __call__(self, command: StartSessionCommand) -> StartedSession:
        """Start or join.

        Raises ``InvalidInput``, ``MetadataTooLarge``,
        ``RoomTaken`` (another tenant's session is in that room, or was so
        lately that its users may still come in),
        ``LiveKitError`` (no agent is known to be dispatched; starting again
        settles it), ``SessionBusy``, ``SessionEnded`` or
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        candidate, options = self._candidate(command), self.options_of(command)
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
        token = self.token_for(identity, session.room_name, options)
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
        options = self.options_of(command).chosen
        chosen += [options] if options else []  # without any: as versions before them did
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()

    def _candidate(self, command: StartSessionCommand) -> Session:
        identity = Identity.parse(command.user_identity)
        named = _named(command.room_name)
        room_name = RoomName.parse(named) if named is not None else command.new_room
        candidate = Session(
            id=self.ids.session_id(),
            room_name=room_name or self.ids.room_name(),
            identity=identity,
            agent_name=command.agent_name or self.agent_name,
            agent_config=AgentConfig.parse(command.agent_config),
            created_at=self.clock.now(),
            tenant=command.access.tenant,
        )
        candidate.metadata()  # refuses what is too large before anything is stored
        return candidate

    def options_of(self, command: StartSessionCommand) -> TokenOptions:
        """Return what the caller has chosen of the token. Raises ``InvalidInput``."""
        return command.token.options(self.longest_ttl)

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
