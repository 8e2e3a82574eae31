"""Any history of an inbox: a database tells of it what memory tells.

Only here are the inbox's operations combined; test_inbox.py has each one's meaning.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import delete

from adapters.memory.inbox import MemoryInbox
from adapters.sqlalchemy.inbox.table import inbox as inbox_table
from adapters.sqlalchemy.storage import SqlStorage
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.repository import Inbox
from tests.contract.storage.ledgers import NOON, new_entry, opened

pytestmark = pytest.mark.slow

SECOND: Final = timedelta(seconds=1)
LEASE: Final = 3 * SECOND
HOLDERS: Final = some.sampled_from(["one", "other"])
EVENTS: Final = [f"EV_{number}" for number in range(6)]
ROOMS: Final = ["RM_a", "RM_b"]

OUTCOMES: Final[dict[str, Callable[[InboxEntry, datetime], InboxEntry]]] = {
    "handled": lambda entry, now: entry.handled(now),
    "failed": lambda entry, now: entry.failed("no", now),
    "held up": lambda entry, now: entry.held_up("down", now),
    "dead": lambda entry, now: attrs.evolve(entry, failures=9).failed("no", now),
    "deferred": lambda entry, now: entry.deferred("soon", now, now + SECOND),
}


@attrs.frozen
class Add:
    """Events of a room come in, some of them late; an event may come again."""

    event: int
    room: str
    ends: bool
    late: int

    async def __call__(self, inbox: Inbox, now: datetime) -> object:
        kind = "room_finished" if self.ends else "participant_left"
        entry = new_entry(
            self.room,
            id=EVENTS[self.event],
            kind=kind,
            room_sid=self.room,
            received_at=now - self.late * SECOND,
            due_at=now,
        )
        return await inbox.add(entry)


@attrs.frozen
class Claim:
    """A holder takes what is due, while its process works on some events."""

    holder: str
    limit: int
    working: list[int]

    async def __call__(self, inbox: Inbox, now: datetime) -> object:
        working = [EVENTS[one] for one in self.working]
        return await inbox.claim(self.holder, now, now + LEASE, self.limit, working)


@attrs.frozen
class Renew:
    """A holder prolongs what it may have lost, or never had."""

    holder: str
    events: list[int]

    async def __call__(self, inbox: Inbox, now: datetime) -> None:
        await inbox.renew(self.holder, [EVENTS[one] for one in self.events], now + LEASE)


@attrs.frozen
class Settle:
    """A holder settles what it may have lost, or never had."""

    event: int
    holder: str
    outcome: str

    async def __call__(self, inbox: Inbox, now: datetime) -> object:
        entry = await inbox.get(EVENTS[self.event])
        if entry is None or entry.status is not InboxStatus.PENDING:
            return None
        return await inbox.settle(OUTCOMES[self.outcome](entry, now), self.holder)


@attrs.frozen
class Work:
    """A holder takes whatever is due and settles it."""

    holder: str
    outcome: str

    async def __call__(self, inbox: Inbox, now: datetime) -> object:
        claimed = await inbox.claim(self.holder, now, now + LEASE, len(EVENTS))
        return [
            await inbox.settle(OUTCOMES[self.outcome](entry, now), self.holder) for entry in claimed
        ]


@attrs.frozen
class Replay:
    """Somebody gives what was handled or set aside another chance."""

    event: int

    async def __call__(self, inbox: Inbox, now: datetime) -> object:
        entry = await inbox.get(EVENTS[self.event])
        if entry is None or entry.status is InboxStatus.PENDING:
            return None
        return await inbox.replay(entry.replayed(now))


@attrs.frozen
class Prune:
    """What was handled some time ago is deleted."""

    age: int

    async def __call__(self, inbox: Inbox, now: datetime) -> object:
        return await inbox.prune(now - self.age * SECOND)


@attrs.frozen
class Step:
    """Something that is done, and how many seconds pass before it."""

    does: Add | Claim | Renew | Settle | Work | Replay | Prune
    after: int


EVENT: Final = some.integers(0, len(EVENTS) - 1)
ADD: Final = some.builds(
    Add, event=EVENT, room=some.sampled_from(ROOMS), ends=some.booleans(), late=some.integers(0, 3)
)
CLAIM: Final = some.builds(
    Claim,
    holder=HOLDERS,
    limit=some.integers(1, 3),
    working=some.just([]) | some.lists(EVENT, max_size=2, unique=True),
)
SETTLE: Final = some.builds(
    Settle, event=EVENT, holder=HOLDERS, outcome=some.sampled_from([*OUTCOMES])
)
WORK: Final = some.builds(Work, holder=HOLDERS, outcome=some.sampled_from([*OUTCOMES]))
RENEW: Final = some.builds(Renew, holder=HOLDERS, events=some.lists(EVENT, max_size=3, unique=True))
REPLAY: Final = some.builds(Replay, event=EVENT)
PRUNE: Final = some.builds(Prune, age=some.integers(0, 2))
STEPS: Final = some.builds(
    Step,
    does=CLAIM | CLAIM | SETTLE | WORK | WORK | RENEW | REPLAY | PRUNE | ADD,
    after=some.sampled_from([0, 0, 0, 1, 3]),
)
# They begin with something to do.
HISTORIES: Final = some.builds(
    lambda first, then: [*first, *then],
    some.lists(some.builds(Step, does=ADD, after=some.just(0)), min_size=4, max_size=8),
    some.lists(STEPS, min_size=6, max_size=20),
)


async def told(inbox: Inbox) -> object:
    """Everything that can be read."""
    finished = [await inbox.has_finished(room) for room in ROOMS]
    return await inbox.list(None, 100), await inbox.counts(), finished


@pytest.fixture
async def storage(sql_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(sql_url) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=HISTORIES)
async def test_a_database_and_memory_tell_the_same(
    storage: SqlStorage, history: list[Step]
) -> None:
    async with storage.database.writer.begin() as connection:
        await connection.execute(delete(inbox_table))
    memory, now = MemoryInbox(), NOON
    for step in history:
        now += step.after * SECOND
        expected = await step.does(memory, now)
        assert await step.does(storage.inbox, now) == expected
        assert await told(storage.inbox) == await told(memory)
