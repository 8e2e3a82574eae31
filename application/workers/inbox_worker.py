"""Handles what webhooks have brought."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import attrs
import structlog

from application.telemetry import Tracing
from application.workers.doorbell import Doorbell
from domain.errors import DomainError
from domain.inbox import InboxEntry, InboxStatus
from domain.ports.clock import Clock
from domain.ports.ids import IdGenerator
from domain.ports.inbox import Inbox
from domain.use_cases.handle_entry import HandleEntry

log = structlog.get_logger()


@attrs.define(kw_only=True)
class InboxWorker:
    """Claims due entries and handles up to ``parallel`` rooms' events at a time.

    Only a sixteenth of that while events arrive faster than they are stored: one that is stored can
    wait, one that is not may be lost.

    ``lease`` is how long an entry of a killed process waits to be taken over; a process that
    lives renews its leases. ``poll`` is how often it looks for what nobody has rung for: other
    replicas' events, and those whose time has come.
    """

    inbox: Inbox
    handle_entry: HandleEntry
    clock: Clock
    ids: IdGenerator
    doorbell: Doorbell
    tracing: Tracing | None = None
    lease: timedelta = timedelta(seconds=6)
    poll: timedelta = timedelta(seconds=1)
    drain: timedelta = timedelta(seconds=5)
    parallel: int = 32
    _working: dict[str, asyncio.Task[None]] = attrs.field(factory=dict, init=False)
    _unfinished: dict[str, InboxEntry] = attrs.field(factory=dict, init=False)

    async def run(self) -> None:
        """Work until cancelled; what is being handled then gets ``drain`` to finish."""
        holder = self.ids.claim_holder()
        renewing = asyncio.create_task(self._renew(holder))
        try:
            while True:
                await self._claim(holder)
                await self.doorbell.wait(self.poll)
        finally:
            if self._working:
                await asyncio.wait(self._working.values(), timeout=self.drain.total_seconds())
            renewing.cancel()
            await self._give_back(holder)

    async def _give_back(self, holder: str) -> None:
        """Let another process take over at once what this one cannot finish."""
        unfinished = dict(self._unfinished)
        for task in self._working.values():
            task.cancel()
        await asyncio.gather(*self._working.values(), return_exceptions=True)
        for entry in unfinished.values():
            try:
                await self.inbox.settle(entry, holder)
            except DomainError as error:
                log.warning("lease not given back", event_id=entry.event.id, reason=str(error))

    async def _claim(self, holder: str) -> None:
        places = max(1, self.parallel // 16) if self.doorbell.is_crowded else self.parallel
        free = places - len(self._working)
        if free <= 0:
            return  # whoever finishes rings
        now = self.clock.now()
        try:
            entries = await self.inbox.claim(holder, now, now + self.lease, free)
        except DomainError as error:
            log.warning("inbox out of reach", reason=str(error))
            return
        except Exception:
            log.exception("inbox out of reach")
            return
        for entry in entries:
            self._unfinished[entry.event.id] = entry
            self._working[entry.event.id] = asyncio.create_task(self._handle(entry, holder))

    async def _handle(self, entry: InboxEntry, holder: str) -> None:
        event = entry.event
        if entry.trace is not None:  # for all that is logged in this task
            structlog.contextvars.bind_contextvars(trace_id=entry.trace.split("-")[1])
        try:
            with self._traced(entry):
                after = await self.handle_entry(entry, holder)
        except DomainError as error:
            log.warning(
                "event not settled", event_id=event.id, room=event.room_name, reason=str(error)
            )
        except Exception:
            log.exception("event failed", event_id=event.id, kind=event.kind, room=event.room_name)
        else:
            self._tell(entry, after)
        finally:
            del self._working[event.id], self._unfinished[event.id]
            self.doorbell.ring()

    def _traced(self, entry: InboxEntry) -> AbstractContextManager[object]:
        if self.tracing is None:
            return nullcontext()
        return self.tracing.event(entry.event.kind, entry.event.id, entry.trace)

    def _tell(self, before: InboxEntry, after: InboxEntry) -> None:
        event = after.event
        if after.failures > before.failures:
            log.warning(
                "event set aside as a dead letter" if after.status is InboxStatus.DEAD
                else "event failed",
                event_id=event.id, kind=event.kind, room=event.room_name,
                failures=after.failures, reason=after.last_error,
            )  # fmt: skip
        if after.status is InboxStatus.PENDING:
            wait = max((after.due_at - self.clock.now()).total_seconds(), 0)
            if wait < self.poll.total_seconds():
                asyncio.get_running_loop().call_later(wait, self.doorbell.ring)

    async def _renew(self, holder: str) -> None:
        while True:
            await self.clock.sleep(self.lease / 3)
            if not self._working:
                continue
            until = self.clock.now() + self.lease
            try:
                await self.inbox.renew(holder, list(self._working), until)
            except DomainError as error:
                log.warning("leases not renewed", reason=str(error))
