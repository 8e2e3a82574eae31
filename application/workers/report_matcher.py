"""The loop that finishes what reports have left open."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

import attrs
import structlog

from domain.operations.leases import Leases
from domain.reports.doubtful_audio import DoubtfulAudio
from domain.reports.match_reports import MatchReports
from domain.shared.clock import Clock
from domain.shared.errors import DomainError
from domain.shared.ids import IdGenerator

log = structlog.get_logger()

_NAME: Final = "match-reports"
_EVERY: Final = timedelta(seconds=1)
_LEASE: Final = timedelta(seconds=30)


@attrs.frozen(kw_only=True)
class ReportMatcher:
    """Matches reports with sessions that became known after them; settles doubtful audio.

    Looks every second, and takes a lease only if something is due: idle, it writes nothing.

    Another process takes over from one that was killed once the lease has ended. Two at a time
    would do no harm: a report is matched at the version at which it was read.
    """

    match_reports: MatchReports
    doubtful_audio: DoubtfulAudio
    leases: Leases
    clock: Clock
    ids: IdGenerator

    async def run(self) -> None:
        """Work until cancelled."""
        holder = self.ids.claim_holder()
        while True:
            for work in (partial(self._match, holder), self.doubtful_audio.settle):
                try:
                    await work()
                except DomainError as error:
                    log.warning("job failed", job=_NAME, reason=str(error))
                except Exception:
                    log.exception("job failed", job=_NAME)
            await self.clock.sleep(_EVERY)

    async def _match(self, holder: str) -> None:
        if not await self.match_reports.is_due():
            return
        now = self.clock.now()
        if not await self.leases.acquire(_NAME, holder, now, now + _LEASE, 2 * _LEASE):
            return
        try:
            if matched := await self.match_reports():
                log.info("reports matched", number=matched)
        finally:
            await self.leases.release(_NAME, holder, self.clock.now())
