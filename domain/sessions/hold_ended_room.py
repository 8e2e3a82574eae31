"""Keep sessions from beginning in the room of an ended one for a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import attrs

from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.ids import IdGenerator


@attrs.frozen(kw_only=True)
class HoldEndedRoom:
    """Hold the room of an ended session under a claim.

    LiveKit deletes a room by its name: without the claim, a session that begins between a look and
    the deletion would lose its room.
    """

    ledger: SessionStore
    clock: Clock
    ids: IdGenerator
    lease: timedelta

    @asynccontextmanager
    async def __call__(self, ended: Session) -> AsyncIterator[None]:
        """Hold the room for the length of the block.

        Raises :class:`~domain.shared.errors.Conflict` if a session has begun there, and
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        claimed = ended.claimed_after_end(self.ids.claim_holder(), self.clock.now(), self.lease)
        held = await self.ledger.save(claimed)
        try:
            yield
        finally:
            await self.ledger.save(held.ended_again())

    async def released(self, session: Session | None) -> Session | None:
        """Return a room's live session; None once one has ended that a dead process held it for.

        Raises as above.
        """
        if session is None or not session.only_holds_room:
            return session
        if not session.claim.is_held(self.clock.now()):
            await self.ledger.save(session.ended_again())
            return None
        return session
