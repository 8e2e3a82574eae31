"""The limit of a tenant's live sessions."""

from __future__ import annotations

from typing import Final

import attrs

from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import TooManySessions

RETRY_AFTER_SECONDS: Final = 30
"""After which one of many sessions may have ended."""


@attrs.frozen(kw_only=True)
class SessionLimit:
    """Permit a tenant ``most`` live sessions, and as many more that wait for their first user.

    Each is counted once it is durable and before its dispatch, so that of those that begin at the
    very same moment too few may get an agent, and never too many. Calls count, and are never
    refused. Every method raises :class:`~domain.shared.errors.TooManySessions` or
    :class:`~domain.shared.errors.StorageUnavailable`.
    """

    ledger: SessionStore
    clock: Clock
    most: int

    async def check_one_more(self, candidate: Session, *, waits: bool = False) -> None:
        """Refuse another session of a tenant that has as many as it may have.

        ``waits``: for its first user.
        """
        await self._check(candidate, self.most - 1, waits=waits)

    async def check_again(self, session: Session, candidate: Session) -> None:
        """Refuse ``candidate`` its agent in a live session that is one too many.

        The process that should have ended it has died.
        """
        if session.dispatch_id is None:
            await self._check(candidate, self.most, waits=False)

    async def added(self, session: Session) -> Session:
        """Return the new session, durable; end it if it is one too many."""
        session = await self.ledger.add(session)
        try:
            await self._check(session, self.most, waits=session.is_unused)
        except TooManySessions:
            await self.ledger.save(session.ended(EndReason.ABANDONED, self.clock.now()))
            raise
        return session

    async def _check(self, session: Session, most: int, *, waits: bool) -> None:
        tenant = session.tenant
        if tenant is None or session.phone is not None:
            return
        if await self.ledger.live_of(tenant) <= most:
            return
        live, unused = await self.ledger.live_and_unused_of(tenant)
        if live - unused > most:
            what = "live sessions at a time; end one first"
        elif waits and unused > most:
            what = "sessions at a time that wait for a user; end one, or try again later"
        else:
            return
        raise TooManySessions(
            f"This key may have {self.most} {what}.", retry_after=RETRY_AFTER_SECONDS
        )
