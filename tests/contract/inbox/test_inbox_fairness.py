"""However much waits, and wherever: each room has its share of the claims."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from domain.inbox.entry import InboxEntry
from domain.inbox.repository import Inbox
from tests.contract.storage.ledgers import NOON, new_entry

SECOND: Final = timedelta(seconds=1)
MOMENT: Final = timedelta(milliseconds=1)
LEASE: Final = 6 * SECOND


def call(number: int, since: datetime) -> InboxEntry:
    """An event in a room of its own, received so many milliseconds after."""
    return new_entry(f"call-{number:05d}", received_at=since + number * MOMENT)


async def add(inbox: Inbox, entries: Iterable[InboxEntry]) -> None:
    """Store entries, all in one commit."""
    await asyncio.gather(*(inbox.add(entry) for entry in entries))


async def settle(inbox: Inbox, claimed: Iterable[InboxEntry]) -> list[bool]:
    """Record entries as handled; which of them were still this process's."""
    return await asyncio.gather(*(inbox.settle(one.handled(NOON), "me") for one in claimed))


async def test_given_more_rooms_than_one_look_sees_then_all_have_had_their_share_after_two_rounds(
    inbox: Inbox,
) -> None:
    rooms, places = 300, 20
    await add(
        inbox,
        [
            new_entry(f"room-{number % rooms:03d}", received_at=NOON + number * MOMENT)
            for number in range(2 * rooms)
        ],
    )

    served = Counter[str]()
    for _ in range(2 * rooms // places):
        claimed = await inbox.claim("me", NOON + SECOND, NOON + LEASE, places)
        assert len(claimed) == places, "no place stays empty"
        served.update(entry.event.room_name for entry in claimed)
        assert all(await settle(inbox, claimed))

    assert served == dict.fromkeys(served, 2)
    assert len(served) == rooms


async def test_given_rooms_that_come_in_by_their_names_then_the_first_one_is_not_forgotten(
    inbox: Inbox,
) -> None:
    """More come in than are handled, and each sorts after all that are there.

    A look goes on for 128 rooms; it is used for eight claims, in which 80 come in.
    """
    await add(inbox, [call(number, NOON) for number in range(200)])
    (first,) = await inbox.claim("me", NOON + SECOND, NOON + LEASE, 1)
    await inbox.settle(first.deferred("soon", NOON, NOON + SECOND), "me")

    claimed_after = 0
    for number in range(200, 1200, 10):
        late = [call(number + more, NOON + SECOND) for more in range(10)]
        await add(inbox, late)
        claimed_after += 1
        claimed = await inbox.claim("me", NOON + 2 * SECOND, NOON + 2 * LEASE, 5)
        await settle(inbox, claimed)
        if first.event.id in {entry.event.id for entry in claimed}:
            break

    assert claimed_after <= 3 * 8


async def test_given_a_room_in_work_whose_events_have_all_waited_then_another_room_s_is_found(
    inbox: Inbox,
) -> None:
    head = new_entry("one")
    await inbox.add(head)
    assert await inbox.claim("other", NOON, NOON + 60 * SECOND, 1) == [head]
    waiting = [new_entry("one", due_at=NOON + SECOND + n * MOMENT) for n in range(1200)]
    await add(inbox, waiting)
    last = new_entry("two", due_at=NOON + 10 * SECOND)
    await inbox.add(last)

    assert await inbox.claim("me", NOON + 10 * SECOND, NOON + 20 * SECOND, 32) == [last]


async def test_given_a_room_that_this_process_works_in_then_none_of_it_is_claimed(
    inbox: Inbox,
) -> None:
    """Not even after it has lost the lease, and another process has handled and deferred it."""
    entry, later, other = (new_entry(room, received_at=NOON) for room in ("a", "a", "b"))
    for one in (entry, later, other):
        await inbox.add(one)
    (lost, _) = await inbox.claim("me", NOON, NOON + LEASE, 2)
    at = NOON + LEASE
    taken = await inbox.claim("another", at, at + LEASE, 2)
    for one in taken:
        await inbox.settle(one.deferred("soon", at, at + SECOND), "another")

    at += 2 * SECOND
    working = [lost.event.id]
    in_a = {entry.event.id, later.event.id}
    claimed = await inbox.claim("me", at, at + LEASE, 10, working)
    assert in_a.isdisjoint(one.event.id for one in claimed)
    (again,) = await inbox.claim("me", at, at + LEASE, 10)
    assert again.event.id in in_a
