"""The periodic jobs of recordings."""

from __future__ import annotations

from datetime import timedelta

import attrs
import structlog

from domain.recordings.erase_recordings import EraseRecordings
from domain.recordings.settle_recordings import SettleRecordings
from domain.recordings.sweep_store import SweepStore

log = structlog.get_logger()


@attrs.frozen
class SettleJob:
    """Asks LiveKit about egresses that have not ended, and finishes erasures."""

    settle_recordings: SettleRecordings
    erase_recordings: EraseRecordings

    async def __call__(self) -> None:
        """Run once."""
        try:
            await self.settle_recordings()
        finally:
            if erased := await self.erase_recordings.finish():
                log.info("recordings erased", number=erased)


@attrs.frozen
class SweepJob:
    """Erases what is older than it is ``kept`` (None: ever), and deletes orphans."""

    sweep_store: SweepStore
    erase_recordings: EraseRecordings
    kept: timedelta | None

    async def __call__(self) -> None:
        """Run once."""
        if marked := await self.erase_recordings.expire(self.kept):
            log.info("recordings expired", number=marked)
        await self.erase_recordings.finish()
        swept = await self.sweep_store()
        if swept.held is not None:
            log.warning("the store is not swept", reason=swept.held)
        elif swept.deleted:
            log.info("orphans deleted", number=swept.deleted, left=swept.orphans - swept.deleted)
