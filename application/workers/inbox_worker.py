"""Handles what webhooks have brought."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Final

import attrs
import structlog

from application.telemetry import Tracing
from application.workers.announced import Announced
from application.workers.inbox_signal import MOST_NEWS, InboxSignal
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.process_entry import ProcessInboxEntry
from domain.inbox.repository import Inbox
from domain.operations.liveness import Liveness, NeverDeclaredDead
from domain.shared.clock import Clock
from domain.shared.errors import DomainError
from domain.shared.ids import IdGenerator

log = structlog.get_logger()


_LOOK_EVERY_SECONDS: Final = 0.05
"""The least time between two looks at a shared inbox."""


@attrs.frozen
class _Work:
    entry: InboxEntry
    holder: str
    task: asyncio.Task[None]


@attrs.define(kw_only=True)
class InboxWorker:
    """Claims due entries and handles up to ``parallel`` rooms' events at a time.

    Half of that while events arrive faster than they are stored: one that is stored can wait, one
    that is not may be lost. The other half is a guaranteed share, so that no backlog grows.

    ``lease`` is how long an entry of a killed process waits to be taken over if the process was
    not registered; a process that lives renews its leases. ``poll`` is how often it looks for what
    was not announced: other replicas' events, and those whose time has come. ``courtesy`` is how
    long it leaves those of a shared inbox to the replica that has stored them.
    """

    inbox: Inbox
    process_entry: ProcessInboxEntry
    clock: Clock
    ids: IdGenerator
    inbox_signal: InboxSignal
    liveness: Liveness = attrs.field(factory=NeverDeclaredDead)
    tracing: Tracing | None = None
    lease: timedelta = timedelta(seconds=6)
    poll: timedelta = timedelta(seconds=1)
    courtesy: timedelta = timedelta(milliseconds=250)
    drain: timedelta = timedelta(seconds=5)
    parallel: int = 32
    _working: dict[str, _Work] = attrs.field(factory=dict, init=False)
    _announced: Announced = attrs.field(factory=lambda: Announced(MOST_NEWS), init=False)
    _must_look: bool = attrs.field(default=True, init=False)
    _looked_at: float = attrs.field(default=-math.inf, init=False)
    _wakes_at: float = attrs.field(default=-math.inf, init=False)

    async def run(self) -> None:
        """Work until cancelled; what is being handled then gets ``drain`` to finish."""
        renewing = asyncio.create_task(self._renew())
        try:
            while True:
                await self._claim()
                await self.inbox_signal.wait(self.poll)
        finally:
            if self._working:
                tasks = [work.task for work in self._working.values()]
                await asyncio.wait(tasks, timeout=self.drain.total_seconds())
            renewing.cancel()
            await self._give_back()

    async def _give_back(self) -> None:
        """Let another process take over at once what this one cannot finish."""
        unfinished = list(self._working.values())
        for work in unfinished:
            work.task.cancel()
        await asyncio.gather(*(work.task for work in unfinished), return_exceptions=True)
        for work in unfinished:
            try:
                await self.inbox.settle(work.entry, work.holder)
            except DomainError as error:
                event_id = work.entry.event.id
                log.warning("lease not given back", event_id=event_id, reason=str(error))

    async def _claim(self) -> None:
        news, must_look = self.inbox_signal.take()
        self._announced.add(news)
        now = asyncio.get_running_loop().time()
        is_due = now - self._looked_at >= self.poll.total_seconds()
        self._must_look = self._must_look or must_look or is_due or not self._announced.is_all
        try:
            # A look on a shared inbox leaves new events to the processes that know of them.
            if self._places and (self.inbox.is_shared or not self._must_look):
                await self._claim_news(self._places)
            if self._places and self._must_look and self._may_look(now):
                self._looked_at, self._must_look = now, False
                await self._claim_due(self._places)
        except DomainError as error:
            self._must_look = True
            log.warning("inbox out of reach", reason=str(error))
        except Exception:
            self._must_look = True
            log.exception("inbox out of reach")

    @property
    def _places(self) -> int:
        """How many more events may be handled now; each that is finished wakes this worker."""
        places = max(1, self.parallel // 2) if self.inbox_signal.is_crowded else self.parallel
        return max(0, places - len(self._working))

    def _may_look(self, now: float) -> bool:
        """Return whether it is time to look; if it is not, wake this worker once it is."""
        wait = self._looked_at + _LOOK_EVERY_SECONDS - now
        if wait <= 0 or not self.inbox.is_shared:
            return True
        if self._wakes_at <= now:
            self._wakes_at = now + wait
            asyncio.get_running_loop().call_later(wait, self.inbox_signal.wake)
        return False

    async def _claim_due(self, limit: int) -> None:
        # Each claim's own: what an earlier one settles late, it has no right to any more.
        holder, now, was_idle = self.ids.claim_holder(), self.clock.now(), not self._working
        due = now - self.courtesy if self.inbox.is_shared else now
        working = self._working.keys()
        entries = await self.inbox.claim(holder, due, now + self.lease, limit, working)
        self._announced.looked(entries, was_idle=was_idle)
        self._begin(entries, holder)

    async def _claim_news(self, limit: int) -> None:
        """Lease what was announced, without a look for anything else."""
        busy = [work.entry.event.room_name for work in self._working.values()]
        heads = self._announced.heads(busy, limit)
        if not heads:
            return
        holder, now = self.ids.claim_holder(), self.clock.now()
        entries = await self.inbox.claim_news(holder, now, now + self.lease, heads)
        self._announced.claimed(heads, entries)
        self._begin(entries, holder)
        if not self._announced.is_all:
            self.inbox_signal.ring()

    def _begin(self, entries: Sequence[InboxEntry], holder: str) -> None:
        for entry in entries:
            task = asyncio.create_task(self._handle(entry, holder))
            self._working[entry.event.id] = _Work(entry, holder, task)

    async def _handle(self, entry: InboxEntry, holder: str) -> None:
        event = entry.event
        if entry.trace is not None:  # for all that is logged in this task
            structlog.contextvars.bind_contextvars(trace_id=entry.trace.split("-")[1])
        try:
            if await self._is_mine(entry, holder):
                with self._traced(entry):
                    self._tell(entry, await self.process_entry(entry, holder))
        except DomainError as error:
            log.warning(
                "event not settled", event_id=event.id, room=event.room_name, reason=str(error)
            )
        except Exception:
            log.exception("event failed", event_id=event.id, kind=event.kind, room=event.room_name)
        finally:
            del self._working[event.id]
            self._finished(event.room_name)

    def _finished(self, room_name: str) -> None:
        """Go on with the room's next event, which another replica may have added."""
        is_known = self._announced.has_more(room_name) or not self.inbox.is_shared
        if self._announced.is_all and is_known:
            self.inbox_signal.wake()
        else:
            self.inbox_signal.ring()

    async def _is_mine(self, entry: InboxEntry, holder: str) -> bool:
        """Whether the entry is still leased to ``holder``, after this process was stopped, too."""
        if not self.liveness.may_have_lost(holder):
            return True
        return await self.inbox.renew(holder, [entry.event.id], self.clock.now() + self.lease) == 1

    def _traced(self, entry: InboxEntry) -> AbstractContextManager[object]:
        if self.tracing is None:
            return nullcontext()
        return self.tracing.event(entry.event.kind, entry.event.id, entry.trace)

    def _tell(self, before: InboxEntry, after: InboxEntry) -> None:
        event = after.event
        if after.status is InboxStatus.DEAD:
            what = "event set aside as a dead letter"
        else:
            what = "event failed" if after.failures > before.failures else "event waits"
        if after.failures > before.failures or after.outages > before.outages:
            log.warning(
                what, event_id=event.id, kind=event.kind, room=event.room_name,
                failures=after.failures, outages=after.outages, reason=after.last_error,
            )  # fmt: skip
        if after.status is InboxStatus.PENDING:
            due_at = after.due_at + self.courtesy if self.inbox.is_shared else after.due_at
            wait = max((due_at - self.clock.now()).total_seconds(), 0)
            if wait < self.poll.total_seconds():
                asyncio.get_running_loop().call_later(wait, self.inbox_signal.ring)

    async def _renew(self) -> None:
        while True:
            await self.clock.sleep(self.lease / 3)
            held = defaultdict[str, list[str]](list)
            for event_id, work in self._working.items():
                held[work.holder].append(event_id)
            await asyncio.gather(*(self._prolong(holder, ids) for holder, ids in held.items()))

    async def _prolong(self, holder: str, event_ids: list[str]) -> None:
        try:
            await self.inbox.renew(holder, event_ids, self.clock.now() + self.lease)
        except DomainError as error:
            log.warning("leases not renewed", reason=str(error))
        except Exception:
            log.exception("leases not renewed")
