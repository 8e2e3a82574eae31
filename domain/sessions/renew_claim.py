"""Make sure that a claim is still this process's before acting on it."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.operations.liveness import Liveness, NeverDeclaredDead
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock


@attrs.frozen(kw_only=True)
class RenewClaim:
    """Renew a session's claim: always, or where this process may have lost it.

    A process that was stopped and resumed finds out here, without a request in the usual case.
    """

    ledger: SessionStore
    clock: Clock
    lease: timedelta
    liveness: Liveness = attrs.field(factory=NeverDeclaredDead)

    async def __call__(self, session: Session) -> Session:
        """Return the session with a whole lease ahead.

        Raises :class:`~domain.shared.errors.Conflict` if the claim was taken over, and
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        return await self.ledger.save(session.renewed(self.clock.now(), self.lease))

    async def if_doubtful(self, session: Session) -> Session:
        """Return the session, its claim renewed if it may be lost. Raises as above."""
        return await self(session) if self.is_doubtful(session) else session

    def is_doubtful(self, session: Session) -> bool:
        """Whether this process was stopped for so long that another may hold the claim."""
        holder = session.claim.holder
        return holder is not None and self.liveness.may_have_lost(holder)
