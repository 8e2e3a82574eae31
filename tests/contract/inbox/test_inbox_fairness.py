"""However much waits, and wherever: each room has its share of the claims."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

from domain.inbox.repository import Inbox
from tests.contract.storage.ledgers import NOON, new_entry

SECOND: Final = timedelta(seconds=1)
MOMENT: Final = timedelta(milliseconds=1)
LEASE: Final = 6 * SECOND


async def test_given_more_rooms_than_one_look_sees_then_all_have_had_their_share_after_two_rounds(
    inbox: Inbox,
) -> None:
    rooms, places = 300, 20
    for number in range(2 * rooms):
        room = f"room-{number % rooms:03d}"
        await inbox.add(new_entry(room, received_at=NOON + number * MOMENT))

    served = Counter[str]()
    for _ in range(2 * rooms // places):
        claimed = await inbox.claim("me", NOON + SECOND, NOON + LEASE, places)
        assert len(claimed) == places, "no place stays empty"
        for entry in claimed:
            served[entry.event.room_name] += 1
            assert await inbox.settle(entry.handled(NOON), "me")

    assert served == dict.fromkeys(served, 2)
    assert len(served) == rooms


async def test_given_rooms_that_come_in_by_their_names_then_the_first_one_is_not_forgotten(
    inbox: Inbox,
) -> None:
    """More come in than are handled, and each sorts after all that are there.

    A look goes on for 128 rooms; it is used for eight claims, in which 80 come in.
    """
    for number in range(200):
        await inbox.add(new_entry(f"call-{number:05d}", received_at=NOON + number * MOMENT))
    (first,) = await inbox.claim("me", NOON + SECOND, NOON + LEASE, 1)
    await inbox.settle(first.deferred("soon", NOON, NOON + SECOND), "me")

    claimed_after = 0
    for number in range(200, 1200, 10):
        for more in range(10):
            late = NOON + SECOND + number * MOMENT
            await inbox.add(new_entry(f"call-{number + more:05d}", received_at=late))
        claimed_after += 1
        claimed = await inbox.claim("me", NOON + 2 * SECOND, NOON + 2 * LEASE, 5)
        for entry in claimed:
            await inbox.settle(entry.handled(NOON), "me")
        if first.event.id in {entry.event.id for entry in claimed}:
            break

    assert claimed_after <= 3 * 8


async def test_given_a_room_in_work_whose_events_have_all_waited_then_another_room_s_is_found(
    inbox: Inbox,
) -> None:
    head = new_entry("one")
    await inbox.add(head)
    assert await inbox.claim("other", NOON, NOON + 60 * SECOND, 1) == [head]
    for number in range(1200):
        due_at = NOON + SECOND + number * MOMENT
        await inbox.add(new_entry("one", due_at=due_at))
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
