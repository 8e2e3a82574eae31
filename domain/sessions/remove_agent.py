"""Take an agent out of a room that no person will join any more."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.rooms.dispatcher import Dispatcher
from domain.sessions.renew_claim import RenewClaim
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.ids import IdGenerator
from domain.shared.livekit_errors import LiveKitError
from domain.shared.timeline import Source


@attrs.frozen(kw_only=True)
class RemoveAgent:
    """Delete a session's dispatches and end it; the empty room then closes by itself.

    The session's dispatch claim is held meanwhile, so that no agent is dispatched at the same time.
    """

    ledger: SessionStore
    dispatcher: Dispatcher
    clock: Clock
    ids: IdGenerator
    renew_claim: RenewClaim
    lease: timedelta

    async def __call__(self, session: Session, reason: EndReason, source: Source) -> Session:
        """Return the session, ended.

        Raises :class:`~domain.shared.errors.ClaimHeld`, :class:`~domain.shared.errors.Conflict`,
        :class:`~domain.shared.livekit_errors.LiveKitError` (the session stays live) or
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        session = await self.ledger.save(
            session.claimed(self.ids.claim_holder(), self.clock.now(), self.lease)
        )
        try:
            for dispatch in await self.dispatcher.list(session.room_name):
                if dispatch.agent_name == session.agent_name:
                    session = await self.renew_claim.if_doubtful(session)
                    await self.dispatcher.delete(session.room_name, dispatch.id)
        except LiveKitError:
            await self.ledger.save(session.released())
            raise
        return await self.ledger.save(session.ended(reason, self.clock.now(), source))
