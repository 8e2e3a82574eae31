"""Let users join a session for as long as a new token is valid."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.sessions.session import Session
from domain.sessions.session_outline import token_end
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import AnsweredSessionEnded, ClaimHeld
from domain.shared.retry_on_conflict import RetryOnConflict

JOIN_GRACE: Final = timedelta(minutes=2)
"""LiveKit takes a token for a minute after it has expired; one more is for clocks that differ."""


@attrs.frozen(kw_only=True)
class ExtendWait:
    """Extend the time for which a session waits for its user.

    ``grace`` is how long an unused session outlives the last token that was made for it.
    """

    ledger: SessionStore
    clock: Clock
    retry_on_conflict: RetryOnConflict
    grace: timedelta = JOIN_GRACE

    async def __call__(self, session: Session, ttl: timedelta) -> None:
        """Extend it by a token that is made now; where nothing has to be stored, do nothing.

        Raises :class:`~domain.shared.errors.AnsweredSessionEnded`, ``SessionBusy`` or
        ``StorageUnavailable``.
        """

        async def attempt() -> None:
            live = await self.ledger.get(session.id, SYSTEM)
            if live is None or not live.is_live or live.only_holds_room:
                raise AnsweredSessionEnded(
                    f"Session {session.id} has ended meanwhile; start another one."
                )
            if live.join_until is None:
                await self._saved(live, live, ttl)
            else:
                await self.attempt(live, ttl)

        if session.join_until is not None or token_end(self.clock.now(), ttl) is not None:
            await self.retry_on_conflict.take(session.room_name, attempt)

    async def attempt(self, session: Session, ttl: timedelta) -> Session:
        """Return the live session, which its users may join for ``ttl`` from now.

        Where it has had a room and is known to be joined by tokens, nothing has to be stored of
        those with the default time to live: they are good for a time after its end. Raises
        ``ClaimHeld``, ``Conflict`` or ``StorageUnavailable``.
        """
        if session.join_until is not None and session.has_had_room:
            return await self._saved(session, session, ttl)
        now = self.clock.now()
        until = max(session.join_until or now, self.until(now, ttl))
        return await self._saved(session, attrs.evolve(session, join_until=until), ttl)

    async def _saved(self, session: Session, extended: Session, ttl: timedelta) -> Session:
        """Store ``extended`` and the token's end, if ``session`` differs."""
        now = self.clock.now()
        extended = extended.with_token_until(token_end(now, ttl))
        if extended is session:
            return session
        if session.claim.is_held(now):  # to its holder any change would look like a lost claim
            raise ClaimHeld("Another request is starting or ending this session.")
        return await self.ledger.save(extended)

    def until(self, now: datetime, ttl: timedelta) -> datetime:
        """Return until when a session waits that gets a token at ``now``."""
        return now + ttl + self.grace
