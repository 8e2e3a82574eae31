"""Take an agent out of a room where nobody will come any more."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.errors import LiveKitError
from domain.ledger import Ledger
from domain.ports.clock import Clock
from domain.ports.dispatcher import Dispatcher
from domain.ports.ids import IdGenerator
from domain.session import EndReason, Session


@attrs.frozen(kw_only=True)
class WithdrawAgent:
    """Deletes a session's dispatches and ends it; the empty room then closes by itself.

    Holds the session's dispatch claim meanwhile, so that nobody dispatches at the same time.
    """

    ledger: Ledger
    dispatcher: Dispatcher
    clock: Clock
    ids: IdGenerator
    lease: timedelta

    async def __call__(self, session: Session, reason: EndReason) -> Session:
        """The session, ended.

        Raises :class:`~domain.errors.ClaimHeld`, :class:`~domain.errors.Conflict`,
        :class:`~domain.errors.LiveKitError` (the session stays live) or
        :class:`~domain.errors.StorageUnavailable`.
        """
        session = await self.ledger.save(
            session.claimed(self.ids.claim_holder(), self.clock.now(), self.lease)
        )
        try:
            for dispatch in await self.dispatcher.list(session.room_name):
                if session.owns(dispatch):
                    await self.dispatcher.delete(session.room_name, dispatch.id)
        except LiveKitError:
            await self.ledger.save(session.released())
            raise
        return await self.ledger.save(session.ended(reason, self.clock.now()))
