"""A worker on an inbox that replicas share: each handles first what it has stored itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs

from application.workers.inbox_worker import InboxWorker
from domain.inbox.entry import InboxEntry
from domain.inbox.signal import News
from tests.unit.application.test_workers import (
    Handler,
    LookedAt,
    at_work,
    entry,
    until,
    well,
    worker_of,
)

HOUR = timedelta(hours=1)
COURTESY = timedelta(minutes=4)


class SharedInbox(LookedAt):
    """An inbox to which other replicas add events too."""

    is_shared = True


def aged(number: int, age: timedelta) -> InboxEntry:
    at = datetime.now(UTC) - age
    return attrs.evolve(entry(number), received_at=at, due_at=at)


def working(inbox: SharedInbox, **options: object) -> tuple[InboxWorker, Handler]:
    handler = Handler(inbox, well)
    return worker_of(inbox, handler, courtesy=COURTESY, **options), handler


async def test_another_replica_s_new_event_is_left_to_it_for_a_while() -> None:
    inbox = SharedInbox()
    worker, handler = working(inbox)
    async with at_work(worker.run()):
        await inbox.add(entry(1))
        await inbox.add(aged(2, 2 * COURTESY))
        looks = len(inbox.looks)
        await until(lambda: len(inbox.looks) > looks + 2)
        assert handler.seen == ["EV_2"]


async def test_its_own_event_is_handled_at_once_also_while_a_look_is_due() -> None:
    inbox = SharedInbox()
    worker, handler = working(inbox)
    async with at_work(worker.run()):
        new = entry(1)
        await inbox.add(new)
        worker.inbox_signal.ring()
        worker.inbox_signal.ring(News.of(new))
        await until(lambda: handler.seen == ["EV_1"])


async def test_given_many_reasons_to_look_at_once_then_there_is_one_look_more() -> None:
    inbox = SharedInbox()
    worker, handler = working(inbox, poll=HOUR)
    async with at_work(worker.run()):
        await until(lambda: len(inbox.looks) == 1)
        for number in range(20):
            new = entry(number)
            await inbox.add(new)
            worker.inbox_signal.ring()
            worker.inbox_signal.ring(News.of(new))
        await until(lambda: len(handler.seen) == 20)
        assert len(inbox.looks) <= 3


async def test_a_look_that_came_too_soon_is_made_up_for() -> None:
    inbox = SharedInbox()
    worker, handler = working(inbox, poll=HOUR)
    async with at_work(worker.run()):
        await until(lambda: len(inbox.looks) == 1)
        await inbox.add(aged(1, 2 * COURTESY))
        worker.inbox_signal.ring()
        await until(lambda: handler.seen == ["EV_1"])
