"""Sign a new token for the user of a live session."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.access.access import Access
from domain.rooms.token_options import LONGEST_TOKEN_TTL, TokenRequest
from domain.rooms.token_signer import TokenSigner
from domain.sessions.extend_wait import ExtendWait
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.session import Session
from domain.shared.errors import AnsweredSessionEnded, InvalidInput, NotFound


@attrs.frozen(kw_only=True)
class RenewTokenCommand:
    """The session by its id, its room, or both; and what its token shall have. Unchecked."""

    session_id: str | None = None
    room_name: str | None = None
    access: Access
    token: TokenRequest = attrs.field(factory=TokenRequest)


@attrs.frozen
class RenewedToken:
    """A token with which the user of ``session`` joins its room at ``livekit_url``."""

    session: Session
    token: str
    livekit_url: str


@attrs.frozen(kw_only=True)
class RenewToken:
    """Signs a token with the identity, grants and ``roomConfig`` of the session's first one.

    It makes no room and dispatches no agent. It stores nothing but that a session waits for its
    user for longer. No token is valid for longer than ``longest_ttl``.
    """

    read_sessions: ReadSessions
    extend_wait: ExtendWait
    token_signer: TokenSigner
    livekit_url: str
    longest_ttl: timedelta = LONGEST_TOKEN_TTL

    async def __call__(self, command: RenewTokenCommand) -> RenewedToken:
        """Return the session with a new token.

        Raises ``InvalidInput``, also for a phone call's session, ``NotFound``, also for another
        tenant's session, :class:`~domain.shared.errors.AnsweredSessionEnded`, ``SessionBusy`` or
        ``StorageUnavailable``.
        """
        options = command.token.options(self.longest_ttl)
        session = await self._found(command)
        if not session.is_live or session.only_holds_room:
            raise AnsweredSessionEnded(f"Session {session.id} has ended; start another one.")
        if session.phone is not None:
            raise InvalidInput(
                "The session was started for a phone call, whose participant has no token; join "
                "its room with POST /session.",
                field="sessionId" if command.session_id else "roomName",
            )
        await self.extend_wait(session, options.ttl)
        options = attrs.evolve(options, awaits_agent=session.join_until is not None)
        token = self.token_signer.join_token(session.identity, session.room_name, options)
        return RenewedToken(session, token, self.livekit_url)

    async def _found(self, command: RenewTokenCommand) -> Session:
        room_name = command.room_name
        if command.session_id is None:
            if room_name is None:
                raise InvalidInput(
                    "sessionId or roomName must name the session.",
                    field="sessionId",
                    example="01890a5d-ac96-774b-bcce-b302099a8057",
                )
            return await self.read_sessions.by_room(room_name.strip(), command.access)
        session = await self.read_sessions.by_id(command.session_id, command.access)
        if room_name is not None and room_name.strip() != session.room_name.value:
            raise NotFound("There is no session with this id in this room.", field="roomName")
        return session
