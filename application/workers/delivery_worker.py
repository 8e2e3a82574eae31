"""Delivers domain events to webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

import attrs
import structlog

from application.workers.delivery_signal import DeliverySignal
from application.workers.event_signal import EventSignal
from application.workers.receiver import Receiver, Receivers
from domain.operations.liveness import Liveness, NeverDeclaredDead
from domain.shared.clock import Clock
from domain.shared.errors import DomainError
from domain.shared.ids import IdGenerator
from domain.webhooks.deliver import Deliver
from domain.webhooks.delivery import Delivery
from domain.webhooks.delivery_sender import ATTEMPT_LIMIT
from domain.webhooks.fan_out import FanOut
from domain.webhooks.lane_repository import LaneClaim, LaneRepository

log = structlog.get_logger()
T = TypeVar("T")

_PAUSE: Final = timedelta(milliseconds=20)
"""Between two looks for due lanes."""
_BATCH: Final = 16
"""Deliveries of a lane that are read at a time."""
_AFTER_FAULT: Final = timedelta(seconds=5)


@attrs.define(kw_only=True)
class DeliveryWorker:
    """Enqueues deliveries of new events, claims due lanes, and delivers each lane's in order.

    ``lease`` is how long the lanes of a killed process wait to be taken over if it was not
    registered; a process that lives renews its leases. ``poll`` is how often it looks for new
    events and due lanes. ``receivers`` limits the load. ``watch`` gets each attempt's outcome and
    its seconds.
    """

    fan_out: FanOut
    lanes: LaneRepository
    deliver: Deliver
    clock: Clock
    ids: IdGenerator
    signal: DeliverySignal
    watch: Callable[[str, float], None]
    event_signal: EventSignal | None = None
    liveness: Liveness = attrs.field(factory=NeverDeclaredDead)
    lease: timedelta = 2 * ATTEMPT_LIMIT
    poll: timedelta = timedelta(milliseconds=250)
    drain: timedelta = timedelta(seconds=5)
    receivers: Receivers = attrs.field(factory=Receivers)
    _working: dict[asyncio.Task[None], tuple[LaneClaim, Receiver]] = attrs.field(
        factory=dict, init=False
    )

    async def run(self) -> None:
        """Work until cancelled; what is being delivered then gets ``drain`` to finish."""
        beside = [asyncio.create_task(self._renew()), asyncio.create_task(self._hear_of_events())]
        try:
            while True:
                if not await self.look():
                    await self.signal.wait(self.poll)
                await self.clock.sleep(_PAUSE)
        finally:
            if self._working:
                await asyncio.wait([*self._working], timeout=self.drain.total_seconds())
            for task in beside:
                task.cancel()
            await self._give_back()

    async def look(self) -> bool:
        """Enqueue and claim once; return whether there may be more to enqueue."""
        has_more = await self._step(self.fan_out)
        await self._step(self._claim)
        return bool(has_more)

    async def _step(self, step: Callable[[], Awaitable[T]]) -> T | None:
        """Return what ``step`` returns; its failure is logged, and does not stop what follows."""
        try:
            return await step()
        except DomainError as error:
            log.warning("webhooks out of reach", reason=str(error))
        except Exception:
            log.exception("webhooks out of reach")
        return None

    async def idle(self) -> None:
        """Return once no claimed lane is being delivered."""
        while self._working:
            await asyncio.wait([*self._working])

    async def _claim(self) -> None:
        now = self.clock.now()
        limits = {
            webhook_id: places
            for webhook_id in await self.lanes.due(now)
            if (places := self.receivers.free_lanes(webhook_id)) > 0
        }
        if not limits:
            return
        holder = self.ids.claim_holder()
        for claim in await self.lanes.claim(limits, holder, now, now + self.lease):
            receiver = self.receivers.begin(claim.webhook_id)
            task = asyncio.create_task(self._work(claim, receiver))
            self._working[task] = claim, receiver
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        _, receiver = self._working.pop(task)
        receiver.lanes -= 1
        self.signal.wake()

    async def _work(self, claim: LaneClaim, receiver: Receiver) -> None:
        try:
            await self._deliver_lane(claim, receiver)
        except DomainError as error:
            webhook_id = claim.webhook_id.value
            log.warning("delivery not settled", webhook_id=webhook_id, reason=str(error))
            await self._release(claim, _AFTER_FAULT)
        except Exception:
            log.exception("delivery failed", webhook_id=claim.webhook_id.value)
            await self._release(claim, _AFTER_FAULT)

    async def _deliver_lane(self, claim: LaneClaim, receiver: Receiver) -> None:
        """Deliver what waits in a lane, until it is empty, waits for a retry, or is lost."""
        while True:
            waiting = await self.lanes.waiting(claim, _BATCH)
            if waiting is None:
                return
            for delivery in waiting.deliveries:
                if not await self._deliver_one(delivery, claim, receiver):
                    return
            if len(waiting.deliveries) < _BATCH and await self.lanes.finish(claim, waiting.version):
                return

    async def _deliver_one(self, delivery: Delivery, claim: LaneClaim, receiver: Receiver) -> bool:
        """Return whether to go on with the lane's next delivery."""
        async with self.receivers.place(receiver, delivery.reach.tenant):
            if self.receivers.has_too_many(receiver):
                await self._release(claim, timedelta())
                return False
            if not await self._is_mine(claim):
                return False
            done = await self.deliver(delivery)
        if done is None:
            await self.lanes.drop(claim)
            return False
        receiver.note(done.attempts[-1])
        if done.is_pending:
            await self.lanes.postpone(done, claim)
            self._tell(done)
            return False
        is_settled = await self.lanes.settle(done, claim)
        self._tell(done)
        # One that was redelivered meanwhile is in a lane of its own: this one goes on.
        return is_settled or await self._is_leased(claim)

    async def _is_mine(self, claim: LaneClaim) -> bool:
        """Whether the lane is still leased, after this process was stopped, too."""
        if not self.liveness.may_have_lost(claim.holder):
            return True
        return await self._is_leased(claim)

    async def _is_leased(self, claim: LaneClaim) -> bool:
        return await self.lanes.waiting(claim, 1) is not None

    def _tell(self, done: Delivery) -> None:
        attempt = done.attempts[-1]
        outcome = "retried" if done.is_pending else done.status.value
        self.watch(outcome, attempt.duration_ms / 1000)
        if attempt.has_succeeded:
            return
        log.warning(
            f"delivery {'failed' if not done.is_pending else 'is tried again'}",
            webhook_id=done.webhook_id.value, delivery_id=done.id.value, kind=done.event,
            failures=done.failures, reason=attempt.error,
        )  # fmt: skip

    async def _hear_of_events(self) -> None:
        """Wake up once this process has appended events, if there is a webhook to get them."""
        if self.event_signal is None:
            return
        count = self.event_signal.count
        while True:
            await self.event_signal.wait(count, self.lease)
            if self.event_signal.count != count:
                count = self.event_signal.count
                if self.fan_out.has_webhooks:
                    self.signal.wake()

    async def _renew(self) -> None:
        while True:
            await self.clock.sleep(self.lease / 3)
            now = self.clock.now()
            holders = {claim.holder for claim, _ in self._working.values()}
            self.receivers.forget(now)
            try:
                if holders:
                    await self.lanes.renew(holders, now + self.lease)
                # Twice what a lease can be, for the clocks of two replicas.
                await self.lanes.lapse(now, now + 2 * self.lease)
            except DomainError as error:
                log.warning("leases not renewed", reason=str(error))
            except Exception:
                log.exception("leases not renewed")

    async def _give_back(self) -> None:
        """Let another process take over at once what this one cannot finish."""
        unfinished = dict(self._working)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        released = (self._release(claim, timedelta()) for claim, _ in unfinished.values())
        await asyncio.gather(*released)

    async def _release(self, claim: LaneClaim, wait: timedelta) -> None:
        try:
            await self.lanes.release(claim, self.clock.now() + wait)
        except DomainError as error:
            log.warning("lease not given back", reason=str(error))  # it lapses
