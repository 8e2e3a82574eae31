"""The loop that looks at the rooms of unanswered calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import attrs
import structlog

from application.workers.event_signal import EventSignal
from domain.calls.unanswered_calls import UnansweredCalls, WatchedRoom
from domain.calls.watch_answers import WatchAnswers
from domain.rooms.sip_leg import LegStatus
from domain.shared.clock import Clock
from domain.shared.errors import DomainError

log = structlog.get_logger()

AT_ONCE: Final = 8
"""How many looks may wait for LiveKit at a time, so that a slow one holds up no other."""

_LOGS_EVERY: Final = timedelta(minutes=1)


@attrs.define(kw_only=True)
class AnswerWatch:
    """Looks at ``per_second`` rooms at most, in each process; at none if that is 0.

    With more, the room that was looked at longest ago comes first. Nothing runs while no call is
    unanswered. The ledger is read at the start, and when another process has left
    (``others_left``). ``looked`` receives the seconds since the last look at a room, and its news.
    """

    calls: UnansweredCalls
    watch_answers: WatchAnswers
    clock: Clock
    others_left: EventSignal
    per_second: int
    looked: Callable[[float, list[LegStatus]], None]
    _failed: int = attrs.field(default=0, init=False)
    _logged_at: float | None = attrs.field(default=None, init=False)

    async def run(self) -> None:
        """Work until cancelled."""
        if not self.per_second:
            return
        pause, slots = timedelta(seconds=1) / self.per_second, asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as looks:
            looks.create_task(self._take_up())
            while True:
                watched = await self.calls.next()
                await slots.acquire()
                looks.create_task(self._look(watched, slots))
                await self.clock.sleep(pause)

    async def _take_up(self) -> None:
        """Watch what processes that have left have watched; what fails here the reconciler does."""
        while True:
            count = self.others_left.count
            try:
                await self.watch_answers.take_up()
            except DomainError as error:
                log.warning("unanswered calls not read", reason=str(error))
            except Exception:
                log.exception("unanswered calls not read")
            await self.others_left.wait(count, timedelta.max)

    async def _look(self, watched: WatchedRoom, slots: asyncio.Semaphore) -> None:
        since, failed = self.clock.monotonic() - watched.looked_at, True
        try:
            news = await self.watch_answers.look(watched)
            failed = False
            self.looked(since, news)
        except Exception as error:  # noqa: BLE001 - reported; the other rooms go on
            self._report(error)
        finally:
            self.calls.looked(watched, failed=failed)
            slots.release()

    def _report(self, error: Exception) -> None:
        """Log a failure, once a minute at most: a failing LiveKit fails many looks."""
        self._failed += 1
        now = self.clock.monotonic()
        if self._logged_at is not None and now - self._logged_at < _LOGS_EVERY.total_seconds():
            return
        defect = None if isinstance(error, DomainError) else error
        log.warning(
            "rooms of unanswered calls could not be looked at",
            looks=self._failed, reason=str(error), exc_info=defect,
        )  # fmt: skip
        self._failed, self._logged_at = 0, now
