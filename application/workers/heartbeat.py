"""Shows the other processes that this one lives, and notices which of them do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import attrs
import structlog

from domain.operations.process import ProcessIdentity, process_of
from domain.operations.processes import Processes
from domain.shared.clock import ServiceClock
from domain.shared.errors import DomainError
from domain.shared.ids import IdGenerator

log = structlog.get_logger()


@attrs.frozen
class _Seen:
    """When a process was seen last, by its own account, and since when that has not changed."""

    at: datetime
    since: float


@attrs.define(kw_only=True)
class Heartbeat:
    """Registers this process, and keeps its clock on the ledger's. Implements ``Liveness``.

    A process beats ``every`` so often. Whichever process has seen no beat of another for
    ``dead_after``, measured by its own monotonic clock, frees what that one held. A process that
    could not reach the ledger itself for so long first watches anew: the others may have been
    cut off as well.

    A process that has not beaten for ``sure_for``, because it was stopped or cut off, cannot be
    sure that it still has what it held. One that was declared dead registers anew.

    ``alone`` says that no other process can serve on the ledger: what others have left behind is
    freed at the start, and no beat is needed. It is only read whether the process is registered,
    for the ledger may be replaced by a backup meanwhile.

    ``others_left`` is called once another process has stopped or was declared dead.
    """

    processes: Processes
    clock: ServiceClock
    identity: ProcessIdentity
    ids: IdGenerator
    alone: bool
    every: timedelta = timedelta(milliseconds=750)
    dead_after: timedelta = timedelta(seconds=3)
    sure_for: timedelta = timedelta(seconds=2)
    others_left: Callable[[], None] = lambda: None
    _beaten_at: float = attrs.field(default=0.0, init=False)
    _others: dict[str, _Seen] = attrs.field(factory=dict, init=False)

    def may_have_lost(self, holder: str) -> bool:
        """Whether others may have freed what is held as ``holder``."""
        process_id = process_of(holder)
        if self.alone or process_id is None:
            return False  # no other process watches; the lease alone decides
        if process_id != self.identity.id:
            return True
        return self.clock.monotonic() - self._beaten_at > self.sure_for.total_seconds()

    async def read_time(self) -> None:
        """Set the clock by the ledger's. Raises ``StorageUnavailable``."""
        sent = self.clock.monotonic()
        reading = await self.processes.time()
        self.clock.set(reading, sent, self.clock.monotonic())

    async def start(self) -> None:
        """Register, and free what dead processes held. Raises ``StorageUnavailable``."""
        await self._register()
        if not self.alone:
            await self.beat(is_first=True)

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await self.clock.sleep(self.every)
            try:
                await self.read_time()
                await (self.stay_registered() if self.alone else self.beat())
            except DomainError as error:
                log.warning("no heartbeat", reason=str(error))
            except Exception:
                log.exception("no heartbeat")

    async def stop(self) -> None:
        """Free what this process still holds, so that the others need not notice."""
        if self.identity.id is None:
            return
        try:
            await self.processes.free(self.identity.id)
        except DomainError as error:
            log.warning("process not removed", reason=str(error))
        self.identity.id = None

    async def beat(self, *, is_first: bool = False) -> None:
        """Show that this process lives, and free what dead ones held."""
        if self.identity.id is None:
            return
        began, now = self.clock.monotonic(), self.clock.now()
        seen = await self.processes.beat(self.identity.id, now)
        if seen is None:
            log.warning("this process was declared dead", process=self.identity.id)
            await self._register()
            return
        if began - self._beaten_at > self.dead_after.total_seconds():
            self._others.clear()
        self._beaten_at = began
        if self._others.keys() - seen.keys():
            self.others_left()
        longest = timedelta.max if is_first else 2 * self.every
        ages = {process_id: _age(now - at, longest) for process_id, at in seen.items()}
        for process_id, seen_at in self._dead(seen, ages, began).items():
            if await self.processes.free(process_id, seen_at):
                log.warning("a process is dead", process=process_id, seen_at=seen_at.isoformat())

    async def stay_registered(self) -> None:
        """Register anew if the ledger does not know this process. Raises ``StorageUnavailable``."""
        if self.identity.id is None or await self.processes.is_registered(self.identity.id):
            return
        log.warning("the ledger has been replaced", process=self.identity.id)
        await self._register()

    async def _register(self) -> None:
        began, now = self.clock.monotonic(), self.clock.now()
        process_id = self.ids.process_id()
        await self.processes.register(process_id, now, alone=self.alone)
        self.identity.id, self._beaten_at = process_id, began
        self._others.clear()

    def _dead(
        self, seen: Mapping[str, datetime], ages: Mapping[str, float], began: float
    ) -> dict[str, datetime]:
        known, self._others = self._others, {}
        for process_id, at in seen.items():
            before = known.get(process_id)
            if before is None or before.at != at:
                before = _Seen(at, began - ages[process_id])
            self._others[process_id] = before
        return {
            process_id: other.at
            for process_id, other in self._others.items()
            if process_id != self.identity.id
            and began - other.since > self.dead_after.total_seconds()
        }


def _age(by_the_clock: timedelta, longest: timedelta) -> float:
    """How many seconds ago a process was seen; 0, to watch it from now on, if that is unlikely."""
    return by_the_clock.total_seconds() if timedelta(0) <= by_the_clock <= longest else 0.0
