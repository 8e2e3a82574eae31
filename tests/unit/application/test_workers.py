"""What runs beside the requests: it goes on whatever happens, and stops when it is told to."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import attrs
import pytest
from structlog.testing import capture_logs

from adapters.memory.inbox import MemoryInbox
from adapters.memory.leases import MemoryLeases
from application.workers.inbox_signal import CROWD, InboxSignal
from application.workers.inbox_worker import InboxWorker
from application.workers.jobs import PruneJob, ReconcileJob
from application.workers.periodic_job import PeriodicJob
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.process_entry import ProcessInboxEntry
from domain.inbox.signal import News
from domain.inbox.webhook_verifier import WebhookEvent
from domain.reconciliation.reconcile import Reconcile, Reconciliation
from domain.shared.errors import StorageUnavailable
from domain.shared.livekit_errors import LiveKitUnreachable
from tests.unit.worlds.fakes import FakeClock, SequentialIds
from tests.unit.worlds.telephony import PhoneWorld

MOMENT = timedelta(milliseconds=50)
Handling = Callable[[InboxEntry], Awaitable[InboxEntry]]


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


@attrs.define
class Handler:
    """Handles entries as a test says; ``seen`` are the events' ids."""

    inbox: MemoryInbox
    handle: Handling
    seen: list[str] = attrs.field(factory=list)

    async def __call__(self, entry: InboxEntry, holder: str) -> InboxEntry:
        self.seen.append(entry.event.id)
        after = await self.handle(entry)
        await self.inbox.settle(after, holder)
        return after


async def well(entry: InboxEntry) -> InboxEntry:
    return entry.handled(datetime.now(UTC))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


def entry(number: int, room: str | None = None) -> InboxEntry:
    now = datetime.now(UTC)
    event = WebhookEvent(f"EV_{number}", "participant_joined", room or f"room-{number}", "RM", b"")
    return InboxEntry(event=event, received_at=now, due_at=now)


def worker_of(inbox: MemoryInbox, handler: Handler, **options: Any) -> InboxWorker:
    defaults: dict[str, Any] = {"poll": MOMENT, "lease": 4 * MOMENT, "drain": 4 * MOMENT}
    return InboxWorker(
        inbox=inbox,
        process_entry=cast("ProcessInboxEntry", handler),
        clock=WallClock(),
        ids=SequentialIds(),
        inbox_signal=InboxSignal(),
        **(defaults | options),
    )


@asynccontextmanager
async def at_work(run: Awaitable[None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(run)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_comes_in_is_handled_as_soon_as_the_bell_rings() -> None:
    inbox = MemoryInbox()
    handler = Handler(inbox, well)
    worker = worker_of(inbox, handler, poll=timedelta(hours=1))
    async with at_work(worker.run()):
        await asyncio.sleep(0.02)
        await inbox.add(entry(1))
        worker.inbox_signal.ring()
        await until(lambda: handler.seen == ["EV_1"])


class LookedAt(MemoryInbox):
    """Counts the looks for whatever is due."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: list[int] = []

    async def claim(self, *arguments: Any, **named: Any) -> list[InboxEntry]:
        self.looks.append(1)
        return await super().claim(*arguments, **named)


async def test_what_was_announced_is_handled_in_order_with_no_look_between() -> None:
    inbox = LookedAt()
    looks = inbox.looks
    handler = Handler(inbox, well)
    worker = worker_of(inbox, handler, poll=timedelta(hours=1))
    async with at_work(worker.run()):
        await until(lambda: looks == [1])
        for number in range(6):
            new = entry(number, f"room-{number % 2}")
            await inbox.add(new)
            worker.inbox_signal.ring(News.of(new))
        await until(lambda: len(handler.seen) == 6)
    assert looks == [1]
    assert handler.seen[::2] + handler.seen[1::2] == [f"EV_{n}" for n in (0, 2, 4, 1, 3, 5)]


async def test_given_an_event_that_was_not_announced_then_it_is_looked_for() -> None:
    inbox = MemoryInbox()
    handler = Handler(inbox, well)
    worker = worker_of(inbox, handler, poll=timedelta(hours=1))
    async with at_work(worker.run()):
        await asyncio.sleep(0.02)
        await inbox.add(entry(1))
        new = entry(2)
        await inbox.add(new)
        worker.inbox_signal.ring(News.of(new))
        await until(lambda: sorted(handler.seen) == ["EV_1", "EV_2"])


async def test_while_a_crowd_arrives_half_as_many_are_handled_at_a_time() -> None:
    inbox, most = MemoryInbox(), list[int]()
    worker: InboxWorker

    async def slowly(one: InboxEntry) -> InboxEntry:
        most.append(len(worker._working))
        await asyncio.sleep(0.02)
        return one.handled(datetime.now(UTC))

    worker = worker_of(inbox, Handler(inbox, slowly), parallel=32)
    for number in range(200):
        await inbox.add(entry(number))
    with ExitStack() as crowd:
        for _ in range(CROWD):
            crowd.enter_context(worker.inbox_signal.arrival())
        async with at_work(worker.run()):
            await until(lambda: len(most) >= 32)
            in_the_crowd = max(most)
            crowd.close()
            await until(lambda: len(most) == 200)

    assert in_the_crowd == 16
    assert max(most) > 16


async def test_what_nobody_rings_for_is_found_by_looking() -> None:
    inbox = MemoryInbox()
    handler = Handler(inbox, well)
    async with at_work(worker_of(inbox, handler).run()):
        await asyncio.sleep(0.02)
        await inbox.add(entry(1))
        await until(lambda: handler.seen == ["EV_1"])


async def test_rooms_go_side_by_side_and_one_rooms_events_one_by_one() -> None:
    inbox, at_once, most = MemoryInbox(), list[str](), list[int]()

    async def slowly(one: InboxEntry) -> InboxEntry:
        assert one.event.room_name not in at_once
        at_once.append(one.event.room_name)
        most.append(len(at_once))
        await asyncio.sleep(0.02)
        at_once.remove(one.event.room_name)
        return one.handled(datetime.now(UTC))

    handler = Handler(inbox, slowly)
    for number in range(12):
        await inbox.add(entry(number, f"room-{number % 4}"))
    async with at_work(worker_of(inbox, handler, parallel=3).run()):
        await until(lambda: len(handler.seen) == 12 and not at_once)
    assert max(most) == 3


async def test_one_that_fails_is_told_and_tried_again() -> None:
    inbox = MemoryInbox()

    async def badly_once(one: InboxEntry) -> InboxEntry:
        now = datetime.now(UTC)
        return one.handled(now) if one.failures else attrs.evolve(one.failed("no", now), due_at=now)

    handler = Handler(inbox, badly_once)
    await inbox.add(entry(1))
    with capture_logs() as logs:
        async with at_work(worker_of(inbox, handler, poll=timedelta(hours=1)).run()):
            await until(lambda: len(handler.seen) == 2)
    (told,) = logs
    assert (told["event"], told["event_id"], told["failures"]) == ("event failed", "EV_1", 1)
    assert told["reason"] == "no"


async def test_a_dead_letter_is_told() -> None:
    inbox = MemoryInbox()

    async def dies(one: InboxEntry) -> InboxEntry:
        return attrs.evolve(one, status=InboxStatus.DEAD, failures=10, last_error="never")

    handler = Handler(inbox, dies)
    await inbox.add(entry(1))
    with capture_logs() as logs:
        async with at_work(worker_of(inbox, handler).run()):
            await until(lambda: bool(logs))
    assert logs[0]["event"] == "event set aside as a dead letter"


@pytest.mark.parametrize(
    ("error", "told"),
    [(StorageUnavailable("gone"), "event not settled"), (ZeroDivisionError(), "event failed")],
)
async def test_whatever_goes_wrong_with_one_the_others_are_handled(
    error: Exception, told: str
) -> None:
    inbox = MemoryInbox()

    async def badly(one: InboxEntry) -> InboxEntry:
        if one.event.id == "EV_1":
            raise error
        return await well(one)

    handler = Handler(inbox, badly)
    await inbox.add(entry(1))
    await inbox.add(entry(2))
    with capture_logs() as logs:
        async with at_work(worker_of(inbox, handler).run()):
            await until(lambda: "EV_2" in handler.seen)
            # Its lease runs out, as that of a dead process does.
            await until(lambda: handler.seen.count("EV_1") == 2)
    assert told in {line["event"] for line in logs}


async def test_a_storage_that_is_gone_is_told_and_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox = MemoryInbox()
    handler = Handler(inbox, well)
    claim, asked = inbox.claim, list[int]()

    async def fails_twice(*arguments: Any) -> list[InboxEntry]:
        asked.append(1)
        if len(asked) < 3:
            raise StorageUnavailable("gone") if len(asked) < 2 else ZeroDivisionError
        return await claim(*arguments)

    monkeypatch.setattr(inbox, "claim", fails_twice)
    await inbox.add(entry(1))
    with capture_logs() as logs:
        async with at_work(worker_of(inbox, handler).run()):
            await until(lambda: handler.seen == ["EV_1"])
    assert [line["event"] for line in logs] == ["inbox out of reach"] * 2


async def test_a_long_handling_keeps_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    inbox, go_on = MemoryInbox(), asyncio.Event()
    renew, renewed = inbox.renew, list[int]()

    async def fails_once(*arguments: Any) -> None:
        renewed.append(1)
        if len(renewed) == 1:
            raise StorageUnavailable("gone for a moment")
        await renew(*arguments)

    async def long(one: InboxEntry) -> InboxEntry:
        await go_on.wait()
        return await well(one)

    monkeypatch.setattr(inbox, "renew", fails_once)
    handler = Handler(inbox, long)
    await inbox.add(entry(1))
    async with at_work(worker_of(inbox, handler).run()):
        await until(lambda: len(renewed) > 6)
        now = datetime.now(UTC)
        assert await inbox.claim("somebody else", now, now + MOMENT, 1) == []
        go_on.set()
        await asyncio.sleep(0.02)
    assert handler.seen == ["EV_1"]


async def test_given_a_lease_that_cannot_be_renewed_then_its_event_is_handled_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox, at_once, looked = MemoryInbox(), list[int](), list[int]()
    claim = inbox.claim

    async def fails(*_: Any) -> int:
        raise StorageUnavailable("gone")

    async def counted(*arguments: Any) -> list[InboxEntry]:
        looked.append(1)
        return await claim(*arguments)

    async def long(one: InboxEntry) -> InboxEntry:
        at_once.append(1)
        begun = len(looked)
        # Until the lease is over, and it has looked for work since.
        await asyncio.sleep(0.25)
        await until(lambda: len(looked) > begun + 3)
        return await well(one)

    monkeypatch.setattr(inbox, "renew", fails)
    monkeypatch.setattr(inbox, "claim", counted)
    handler = Handler(inbox, long)
    await inbox.add(entry(1))
    async with at_work(worker_of(inbox, handler).run()):
        await until(lambda: bool(inbox.stored["EV_1"].handled_at))
    assert handler.seen == ["EV_1"]
    assert len(at_once) == 1


async def test_given_a_lease_lost_to_another_process_then_its_room_is_left_alone_until_it_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other one deferred it, so that it is due again while it is still in work here."""
    inbox, at_once = MemoryInbox(), list[str]()
    claimed, looked, go_on = list[str](), list[int](), asyncio.Event()
    claim = inbox.claim

    async def noted(*arguments: Any) -> list[InboxEntry]:
        found = await claim(*arguments)
        looked.append(1)
        claimed.extend(one.event.id for one in found)
        return found

    async def long(one: InboxEntry) -> InboxEntry:
        assert at_once == []
        at_once.append(one.event.id)
        await go_on.wait()
        at_once.remove(one.event.id)
        return await well(one)

    monkeypatch.setattr(inbox, "claim", noted)
    handler = Handler(inbox, long)
    for number in (1, 2):
        await inbox.add(entry(number, "room"))
    async with at_work(worker_of(inbox, handler).run()):
        await until(lambda: at_once == ["EV_1"])
        inbox.free("")  # as another process does, which handles and defers it
        begun = len(looked)
        await until(lambda: len(looked) > begun + 3)
        assert claimed == ["EV_1"]
        go_on.set()
        await until(lambda: handler.seen == ["EV_1", "EV_1", "EV_2"])


async def test_given_a_defect_in_renewing_then_leases_are_renewed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox, go_on = MemoryInbox(), asyncio.Event()
    renew, renewed = inbox.renew, list[int]()

    async def fails_once(*arguments: Any) -> int:
        renewed.append(1)
        if len(renewed) == 1:
            raise ZeroDivisionError
        return await renew(*arguments)

    async def long(one: InboxEntry) -> InboxEntry:
        await go_on.wait()
        return await well(one)

    monkeypatch.setattr(inbox, "renew", fails_once)
    await inbox.add(entry(1))
    with capture_logs() as logs:
        async with at_work(worker_of(inbox, Handler(inbox, long)).run()):
            await until(lambda: len(renewed) > 2)
            go_on.set()
    assert [line["event"] for line in logs] == ["leases not renewed"]


@attrs.define
class Stopped:
    """A process that was stopped, and does not know what it has lost meanwhile."""

    holders: set[str] = attrs.field(factory=set)

    def may_have_lost(self, holder: str) -> bool:
        return holder in self.holders


async def test_given_a_process_stopped_between_leasing_and_handling_then_it_asks_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox, stopped = MemoryInbox(), Stopped()
    claim = inbox.claim

    async def and_is_stopped(holder: str, *arguments: Any) -> list[InboxEntry]:
        found = await claim(holder, *arguments)
        if found and not stopped.holders:
            stopped.holders.add(holder)
            inbox.free(holder)
            now = datetime.now(UTC)
            assert await claim("another", now, now + timedelta(minutes=1), 1) == found
        return found

    monkeypatch.setattr(inbox, "claim", and_is_stopped)
    handler = Handler(inbox, well)
    await inbox.add(entry(1))
    worker = worker_of(inbox, handler, liveness=stopped)
    async with at_work(worker.run()):
        await until(lambda: bool(stopped.holders))
        await inbox.add(entry(2))
        await until(lambda: handler.seen == ["EV_2"])
    assert inbox._leases["EV_1"].holder == "another"


async def test_given_a_process_stopped_and_not_missed_then_it_goes_on() -> None:
    inbox = MemoryInbox()
    handler = Handler(inbox, well)
    stopped = Stopped({"holder-1"})
    await inbox.add(entry(1))
    async with at_work(worker_of(inbox, handler, liveness=stopped).run()):
        await until(lambda: handler.seen == ["EV_1"])


async def test_what_is_being_handled_at_the_end_is_finished() -> None:
    inbox, done = MemoryInbox(), list[str]()

    async def slowly(one: InboxEntry) -> InboxEntry:
        await asyncio.sleep(0.05)
        done.append(one.event.id)
        return await well(one)

    handler = Handler(inbox, slowly)
    await inbox.add(entry(1))
    async with at_work(worker_of(inbox, handler).run()):
        await until(lambda: bool(handler.seen))
    assert done == ["EV_1"]
    assert (await inbox.counts())[InboxStatus.HANDLED] == 1


def job_of(leases: MemoryLeases, job: Callable[[], Awaitable[None]], holder: int) -> PeriodicJob:
    ids = SequentialIds()
    for _ in range(holder):
        ids.claim_holder()
    return PeriodicJob(
        name="job",
        job=job,
        interval=2 * MOMENT,
        leases=leases,
        clock=WallClock(),
        ids=ids,
        lease=3 * MOMENT,
    )


async def test_a_job_is_done_again_and_again_by_one_process_at_a_time() -> None:
    leases, at_once, done = MemoryLeases(), list[int](), list[datetime]()

    async def job() -> None:
        assert not at_once
        at_once.append(1)
        await asyncio.sleep(0.2)  # longer than the lease, which is renewed
        at_once.clear()
        done.append(datetime.now(UTC))

    async with at_work(job_of(leases, job, 1).run()), at_work(job_of(leases, job, 2).run()):
        await until(lambda: len(done) == 3)


async def test_given_a_job_whose_lease_was_lost_then_it_is_stopped() -> None:
    leases, outcomes = MemoryLeases(), list[str]()

    async def job() -> None:
        outcomes.append("begun")
        leases._held["job"] = ("another", datetime.now(UTC) + timedelta(seconds=0.3))
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            outcomes.append("stopped")
            raise

    with capture_logs() as logs:
        async with at_work(job_of(leases, job, 1).run()):
            await until(lambda: "stopped" in outcomes)
    assert [line["event"] for line in logs] == ["job stopped: its lease was lost"]


@pytest.mark.parametrize("hours", [1, -1])
async def test_given_a_clock_that_steps_then_the_job_goes_on(hours: int) -> None:
    clock, leases, done = FakeClock(), MemoryLeases(), list[datetime]()

    async def job() -> None:
        done.append(clock.now())
        if len(done) == 3:
            clock.step(timedelta(hours=hours))
        if len(done) == 6:
            raise asyncio.CancelledError

    running = attrs.evolve(job_of(leases, job, 1), clock=clock, interval=timedelta(seconds=10))
    with pytest.raises(asyncio.CancelledError):
        await running.run()

    assert clock.monotonic() < 70


async def test_a_job_that_fails_is_told_and_done_again() -> None:
    errors: list[Exception] = [LiveKitUnreachable("gone"), ZeroDivisionError()]
    done: list[int] = []

    async def job() -> None:
        if errors:
            raise errors.pop(0)
        done.append(1)

    with capture_logs() as logs:
        async with at_work(job_of(MemoryLeases(), job, 1).run()):
            await until(lambda: bool(done))
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("job failed", "warning"),
        ("job failed", "error"),
    ]


async def test_a_lease_that_cannot_be_renewed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    leases = MemoryLeases()
    acquire, asked = leases.acquire, list[int]()

    async def fails_later(*arguments: Any) -> bool:
        asked.append(1)
        if len(asked) == 2:
            raise StorageUnavailable("gone for a moment")
        return await acquire(*arguments)

    async def job() -> None:
        await asyncio.sleep(0.2)

    monkeypatch.setattr(leases, "acquire", fails_later)
    with capture_logs() as logs:
        async with at_work(job_of(leases, job, 1).run()):
            await until(lambda: len(asked) > 3)
    assert logs[0]["event"] == "lease not renewed"


async def test_a_reconciliation_tells_what_it_has_put_right() -> None:
    world = PhoneWorld()
    world.joins()
    cycles: list[tuple[Reconciliation, float]] = []
    job = ReconcileJob(world.reconcile, lambda done, seconds: cycles.append((done, seconds)))
    with capture_logs() as logs:
        await job()
        await job()
    (told,) = logs
    assert (told["event"], told["log_level"]) == ("reconciled", "info")
    assert (told["rooms"], told["looked_into"]) == (1, 1)
    assert (told["call_added"], told["agent_dispatched"]) == (1, 1)
    assert [sum(done.repairs.values()) for done, _ in cycles] == [2, 0]
    assert all(seconds > 0 for _, seconds in cycles)


def nothing_done(**what: Any) -> ReconcileJob:
    """A job whose cycle has put nothing right, with ``what`` beside that."""
    nothing: dict[str, Any] = {"rooms": 3, "examined": 2, "problems": [], "defects": []}
    counts: dict[str, Any] = {"repairs": Counter(), "failures": Counter()}

    async def cycle() -> Reconciliation:
        return Reconciliation(**(nothing | counts | what))

    return ReconcileJob(cast("Reconcile", cycle), lambda *_: None)


async def test_a_reconciliation_tells_which_rooms_must_wait_by_the_kind_of_failure() -> None:
    job = nothing_done(
        problems=["LiveKit cannot be reached.", "The row cannot be read."],
        failures=Counter({"livekit_unreachable": 1, "storage_unavailable": 1}),
    )
    with capture_logs() as logs:
        await job()
    (told,) = logs
    assert (told["event"], told["log_level"]) == ("some rooms could not be reconciled", "warning")
    assert (told["rooms"], told["reason"]) == (2, "LiveKit cannot be reached.")
    assert (told["livekit_unreachable"], told["storage_unavailable"]) == (1, 1)


async def test_a_reconciliation_tells_each_defect_with_its_traceback() -> None:
    defects = [ZeroDivisionError("one"), KeyError("two")]
    with capture_logs() as logs:
        await nothing_done(defects=defects, failures=Counter(defect=2))()
    assert [line["log_level"] for line in logs] == ["error", "error"]
    assert [line["exc_info"] for line in logs] == defects


async def test_a_reconciliation_tells_why_it_ends_nothing() -> None:
    with capture_logs() as logs:
        await nothing_done(held="LiveKit does not list 8 of 8.", held_entries=8)()
    (told,) = logs
    assert told["log_level"] == "warning"
    assert told["reason"] == "LiveKit does not list 8 of 8."


async def test_a_reconciliation_that_finds_all_well_tells_nothing() -> None:
    with capture_logs() as logs:
        await nothing_done()()
    assert logs == []


async def test_what_was_handled_long_ago_is_pruned() -> None:
    inbox, clock = MemoryInbox(), WallClock()
    long_ago = clock.now() - timedelta(days=8)
    old = attrs.evolve(entry(1), received_at=long_ago).handled(long_ago)
    new = entry(2).handled(clock.now())
    await inbox.add(old)
    await inbox.add(new)
    kept_for_ever = inbox.prune, None
    job = PruneJob({"inbox": (inbox.prune, timedelta(days=7)), "rest": kept_for_ever}, clock)
    with capture_logs() as logs:
        await job()
        await job()
    assert await inbox.list(None, 10) == [new]
    assert [(line["what"], line["number"]) for line in logs] == [("inbox", 1)]
