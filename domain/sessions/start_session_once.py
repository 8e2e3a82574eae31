"""Start a session once, however often its caller asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

import attrs

from domain.access.access import Access
from domain.idempotency.idempotent_execution import HEADER, IdempotentExecution
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.sessions.start_session import StartedSession, StartSession, StartSessionCommand
from domain.shared.errors import AnsweredSessionEnded
from domain.shared.identifiers import RoomName, SessionId


@attrs.frozen
class IdempotentResponse:
    """The first response, a new token for it, and whether this request is a repetition."""

    text: str
    token: str
    replayed: bool


@attrs.frozen(kw_only=True)
class StartSessionOnce:
    """``start_session``, once for each key of a tenant's."""

    idempotent_execution: IdempotentExecution
    start_session: StartSession
    ledger: SessionStore

    async def __call__(
        self, key: str, command: StartSessionCommand, present: Callable[[StartedSession], str]
    ) -> IdempotentResponse:
        """Return what ``present`` makes of the session; no token, because that text is stored.

        A repetition after the session's end is refused: LiveKit would make an empty room for
        the caller. Raises what ``StartSession`` and ``IdempotentExecution`` raise, and
        :class:`~domain.shared.errors.AnsweredSessionEnded`.
        """

        async def first(number: UUID) -> str:
            # Each attempt names the same room, and so takes up what an earlier one began.
            named = attrs.evolve(command, new_room=RoomName(f"room-{number}"))
            started = await self.start_session(named)
            session = started.session
            return json.dumps([str(session.id), str(session.room_name), present(started)])

        options = self.start_session.options_of(command)
        fingerprint = self.start_session.fingerprint(command)
        answered = await self.idempotent_execution(key, command.access, fingerprint, first)
        session_id, room_name, text = json.loads(answered.text)
        identities = self.start_session.identities
        identity = identities.parse(command.user_identity)
        if answered.replayed:
            session = await self._live(SessionId(session_id), command.access)
            identities.check_free(identity, session)
            await self.start_session.await_user.extend_wait(session, options.ttl)
        token = self.start_session.token_for(identity, RoomName(room_name), options)
        return IdempotentResponse(text, token, answered.replayed)

    async def _live(self, session_id: SessionId, access: Access) -> Session:
        session = await self.ledger.get(session_id, access)
        if session is None or not session.is_live or session.only_holds_room:
            raise AnsweredSessionEnded(
                f"The session that this {HEADER} began has ended; begin another with a new key."
            )
        return session
