"""The worker goes on whatever the storage does, and gives back what it cannot finish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from structlog.testing import capture_logs

from application.workers.event_signal import EventSignal
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import WebhookId
from domain.webhooks.delivery import DeliveryStatus
from tests.unit.webhooks.world import World

FAULTS = [(StorageUnavailable("down"), "warning"), (KeyError("a"), "error")]


@attrs.define
class Failing:
    """The lanes, but that the ``step`` fails while there is a ``fault``."""

    lanes: Any
    step: str
    fault: Exception | None = None
    failed: int = 0

    def __getattr__(self, name: str) -> Any:
        if name != self.step:
            return getattr(self.lanes, name)

        async def step(*arguments: Any) -> Any:
            if self.fault is not None:
                self.failed += 1
                raise self.fault
            return await getattr(self.lanes, name)(*arguments)

        return step


@pytest.fixture
def world() -> World:
    return World()


async def running(worker: Any, until: Callable[[], bool]) -> None:
    """Run the worker until that is true, and stop it."""
    task = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(20):
            while not until():  # noqa: ASYNC110 - whatever is true then
                await asyncio.sleep(0)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(("fault", "level"), FAULTS)
@pytest.mark.parametrize("step", ["due", "claim", "waiting", "settle"])
async def test_given_a_step_that_failed_then_the_event_is_delivered_later(
    world: World, step: str, fault: Exception, level: str
) -> None:
    webhook = await world.webhook()
    await world.event()
    failing = Failing(world.memory.webhook_lanes, step, fault)
    worker = world.worker(lanes=failing)
    with capture_logs() as logs:
        await world.deliver(worker)
    assert {log["log_level"] for log in logs} == {level}
    assert not await world.of(webhook, DeliveryStatus.SUCCEEDED)

    failing.fault = None
    world.clock.advance(timedelta(minutes=2))
    await world.deliver(worker)

    assert len(await world.of(webhook, DeliveryStatus.SUCCEEDED)) == 1


async def test_given_a_lease_that_cannot_be_given_back_then_it_lapses(world: World) -> None:
    webhook = await world.webhook()
    await world.event()
    failing = Failing(world.memory.webhook_lanes, "settle", StorageUnavailable("down"))
    lost = Failing(failing, "release", StorageUnavailable("down"))
    worker = world.worker(lanes=lost)
    with capture_logs() as logs:
        await world.deliver(worker)
    assert [log["event"] for log in logs] == ["delivery not settled", "lease not given back"]

    world.clock.advance(2 * worker.lease)
    await world.memory.webhook_lanes.lapse(world.clock.now(), world.clock.now() + worker.lease)
    await world.deliver()

    assert len(await world.of(webhook, DeliveryStatus.SUCCEEDED)) == 1


@pytest.mark.parametrize(("fault", "level"), FAULTS)
async def test_leases_are_renewed_while_a_receiver_takes_its_time(
    world: World, fault: Exception, level: str
) -> None:
    await world.webhook()
    await world.event()
    world.sender.answer = lambda _url, _event_id: "hangs"
    lanes = Failing(world.memory.webhook_lanes, "renew", fault)
    worker = world.worker(lanes=lanes, drain=timedelta(0))
    worker.deliver = attrs.evolve(
        worker.deliver, send_event=attrs.evolve(world.send_event, limit=timedelta(hours=1))
    )

    with capture_logs() as logs:
        await running(worker, lambda: lanes.failed > 2)

    assert ("leases not renewed", level) in [(log["event"], log["log_level"]) for log in logs]
    assert world.sender.sent
    assert await world.memory.webhook_lanes.due(world.clock.now())  # it was given back


async def test_it_delivers_at_once_what_its_own_process_appends(world: World) -> None:
    webhook, appended = await world.webhook(), EventSignal()
    worker = world.worker(event_signal=appended, poll=timedelta(hours=1))
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0.01)
    await world.event()

    appended.ring()

    async with asyncio.timeout(20):
        while not world.sender.sent:  # noqa: ASYNC110 - a fake has no event
            await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert len(await world.of(webhook, DeliveryStatus.SUCCEEDED)) == 1


async def test_without_a_webhook_events_wake_it_for_nothing(world: World) -> None:
    looks, appended = 0, EventSignal()
    worker = world.worker(event_signal=appended, poll=timedelta(hours=1))
    due = worker.lanes.due

    async def counted(now: datetime) -> list[WebhookId]:
        nonlocal looks
        looks += 1
        return await due(now)

    worker.lanes.due = counted  # type: ignore[method-assign]
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0.01)
    for _ in range(5):
        await world.event()
        appended.ring()
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert looks == 1
