"""What the port says of the inbox, one sentence after another."""

from __future__ import annotations

import asyncio
import random
import types
from collections import Counter
from collections.abc import Coroutine, Generator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any

import attrs
from sqlalchemy import select

from adapters.sqlalchemy.inbox.table import inbox as inbox_table
from adapters.sqlalchemy.storage import SqlStorage
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.repository import Inbox
from domain.shared.pagination import Cursor
from tests.contract.storage.ledgers import NOON, new_entry, opened

SECOND = timedelta(seconds=1)
LEASE = 6 * SECOND


async def claim(
    inbox: Inbox, at: timedelta = timedelta(), holder: str = "me", limit: int = 10
) -> list[InboxEntry]:
    return await inbox.claim(holder, NOON + at, NOON + at + LEASE, limit)


async def test_what_comes_in_is_there_byte_by_byte(inbox: Inbox) -> None:
    entry = new_entry(body=bytes(range(256)))
    assert await inbox.add(entry)
    assert await inbox.get(entry.event.id) == entry
    assert await inbox.get("EV_unknown") is None


async def test_an_event_that_comes_again_changes_nothing(inbox: Inbox) -> None:
    entry = new_entry()
    assert await inbox.add(entry)
    (claimed,) = await claim(inbox)
    assert await inbox.settle(claimed.handled(NOON), "me")
    again = attrs.evolve(entry, event=attrs.evolve(entry.event, body=b"other"))
    assert not await inbox.add(again)
    assert await inbox.get(entry.event.id) == entry.handled(NOON)
    assert await claim(inbox) == []


async def test_what_is_due_is_claimed_the_oldest_of_each_room_first(inbox: Inbox) -> None:
    older, newer = new_entry("a"), new_entry("a", received_at=NOON + SECOND)
    other, later = new_entry("b"), new_entry("c", due_at=NOON + SECOND)
    for entry in (newer, other, later, older):
        await inbox.add(entry)
    assert {entry.event.id for entry in await claim(inbox)} == {older.event.id, other.event.id}


async def test_no_other_of_a_room_is_claimed_until_it_is_settled(inbox: Inbox) -> None:
    first, second = new_entry("a"), new_entry("a", received_at=NOON + SECOND)
    await inbox.add(first)
    await inbox.add(second)
    assert await claim(inbox, limit=1) == [first]
    assert await claim(inbox) == []
    assert await inbox.settle(first.handled(NOON), "me")
    assert await claim(inbox) == [second]


async def test_no_more_than_the_limit(inbox: Inbox) -> None:
    for number in range(5):
        await inbox.add(new_entry(f"room-{number}"))
    assert [len(await claim(inbox, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


async def test_one_that_waits_to_be_tried_again_holds_up_nobody(inbox: Inbox) -> None:
    first, second = new_entry("a"), new_entry("a", received_at=NOON + SECOND)
    await inbox.add(first)
    await inbox.add(second)
    (claimed,) = await claim(inbox)
    failed = claimed.failed("LiveKit cannot be reached.", NOON)
    assert await inbox.settle(failed, "me")
    assert await inbox.get(first.event.id) == failed
    assert await claim(inbox) == [second]
    assert await claim(inbox, SECOND) == [], "one at a time"
    await inbox.settle(second.handled(NOON), "me")
    assert await claim(inbox, SECOND) == [failed]


async def test_one_that_came_too_early_is_due_later(inbox: Inbox) -> None:
    entry = new_entry()
    await inbox.add(entry)
    await claim(inbox)
    await inbox.settle(entry.deferred("soon", NOON, NOON + 3 * SECOND), "me")
    assert await claim(inbox, 2 * SECOND) == []
    (again,) = await claim(inbox, 3 * SECOND)
    assert again.failures == 0


async def test_a_dead_process_is_taken_over_from(inbox: Inbox) -> None:
    entry = new_entry()
    await inbox.add(entry)
    await claim(inbox, holder="dead")
    assert await claim(inbox, 5 * SECOND) == []
    assert await claim(inbox, LEASE) == [entry]
    assert not await inbox.settle(entry.handled(NOON), "dead"), "it has lost it"
    assert await inbox.get(entry.event.id) == entry
    assert await inbox.settle(entry.handled(NOON), "me")


async def test_a_lapsed_lease_of_what_this_process_works_on_is_not_its_own_to_take(
    inbox: Inbox,
) -> None:
    entry, later = new_entry("a"), new_entry("a", received_at=NOON + SECOND)
    await inbox.add(entry)
    await inbox.add(later)
    await claim(inbox)
    working = [entry.event.id]

    at = NOON + LEASE
    assert await inbox.claim("me", at, at + LEASE, 10, working) == []
    at += 2 * SECOND
    assert await inbox.claim("other", at, at + LEASE, 10) == [entry]
    assert not await inbox.settle(entry.handled(NOON), "me")


async def test_renewing_tells_how_many_leases_it_still_has(inbox: Inbox) -> None:
    mine, lost = new_entry("a"), new_entry("b")
    await inbox.add(mine)
    await claim(inbox)
    await inbox.add(lost)
    await claim(inbox, holder="other")

    ids = [mine.event.id, lost.event.id]
    assert await inbox.renew("me", ids, NOON + LEASE) == 1
    assert await inbox.renew("nobody", ids, NOON + LEASE) == 0


async def test_given_a_clock_that_was_set_back_then_no_lease_and_no_wait_lasts_for_an_hour(
    inbox: Inbox,
) -> None:
    hour = timedelta(hours=1)
    leased, waiting = new_entry("a"), new_entry("b", due_at=NOON + hour)
    later = new_entry("b", received_at=NOON + SECOND)
    await inbox.add(leased)
    assert await claim(inbox, hour, holder="dead") == [leased]
    for entry in (waiting, later):
        await inbox.add(entry)

    assert set(await claim(inbox, timedelta())) == {leased, waiting}, "the oldest of each room"


async def test_a_later_one_of_the_room_is_free_once_the_lease_is_over(inbox: Inbox) -> None:
    first, second = new_entry("a", received_at=NOON + SECOND), new_entry("a")
    await inbox.add(first)
    await claim(inbox, holder="dead")
    await inbox.add(second)
    assert await claim(inbox, 5 * SECOND) == []
    assert await claim(inbox, LEASE) == [second], "the oldest first, whose lease it ever was"
    assert await claim(inbox, LEASE) == []


async def test_a_room_in_work_holds_up_no_other(inbox: Inbox) -> None:
    """Not even where an older one of that room comes in meanwhile, from another replica."""
    in_work, older = new_entry("a", received_at=NOON + SECOND), new_entry("a")
    other = new_entry("b", received_at=NOON + SECOND)
    await inbox.add(in_work)
    assert await claim(inbox) == [in_work]
    await inbox.add(older)
    await inbox.add(other)
    assert await claim(inbox, SECOND, "another") == [other]


async def test_who_lives_keeps_its_leases(inbox: Inbox) -> None:
    entry, lost = new_entry("a"), new_entry("b")
    await inbox.add(entry)
    await inbox.add(lost)
    await claim(inbox)
    await inbox.renew("me", [entry.event.id], NOON + 60 * SECOND)
    await inbox.renew("somebody else", [lost.event.id], NOON + 60 * SECOND)
    await inbox.renew("me", [], NOON)
    assert await claim(inbox, 30 * SECOND, "other") == [lost]


async def test_what_has_failed_too_often_is_set_aside_listed_and_replayed(inbox: Inbox) -> None:
    entry = new_entry()
    await inbox.add(entry)
    await inbox.add(new_entry("other"))
    for _ in range(10):
        entry = entry.failed("no", NOON)
    await claim(inbox)
    await inbox.settle(entry, "me")
    assert await inbox.list(InboxStatus.DEAD, 10) == [entry]
    assert (await inbox.counts()) == {
        InboxStatus.PENDING: 1,
        InboxStatus.HANDLED: 0,
        InboxStatus.DEAD: 1,
    }
    assert await claim(inbox, 3600 * SECOND, limit=1) != [entry]
    assert await inbox.replay(entry.replayed(NOON))
    assert await inbox.list(InboxStatus.DEAD, 10) == []
    assert not await inbox.replay(new_entry())


async def test_given_an_entry_that_was_replayed_and_is_in_work_then_it_is_not_replayed_again(
    inbox: Inbox,
) -> None:
    dead = attrs.evolve(new_entry(), status=InboxStatus.DEAD)
    await inbox.add(dead)
    assert await inbox.replay(dead.replayed(NOON))
    (in_work,) = await claim(inbox)

    assert not await inbox.replay(dead.replayed(NOON + SECOND))

    assert await inbox.get(in_work.event.id) == in_work


async def test_the_newest_are_listed_first(inbox: Inbox) -> None:
    entries = [new_entry(f"room-{n % 2}", received_at=NOON + n * SECOND) for n in range(4)]
    for entry in entries:
        await inbox.add(entry)
    assert await inbox.list(None, 3) == entries[:0:-1]
    assert await inbox.list(None, 10, "room-0") == [entries[2], entries[0]]
    assert await inbox.list(InboxStatus.HANDLED, 10) == []


async def test_lists_go_on_behind_a_place_and_know_rooms_of_one_name_apart(inbox: Inbox) -> None:
    entries = [
        new_entry("a", id="EV_ü/1", room_sid="RM_1"),
        new_entry("a", id="EV_ü/2", room_sid="RM_2"),
        attrs.evolve(new_entry("a", room_sid="RM_2", received_at=NOON + SECOND), failures=3),
        new_entry("b", received_at=NOON + 2 * SECOND).handled(NOON + 3 * SECOND),
    ]
    for entry in entries:
        await inbox.add(entry)
    first, second, third, fourth = entries

    assert await inbox.list(None, 2) == [fourth, third]
    assert await inbox.list(None, 2, after=Cursor(*third.age)) == [second, first]
    assert await inbox.list(None, 9, after=Cursor(*second.age)) == [first]
    assert await inbox.list(None, 9, "a", "RM_2") == [third, second]
    assert await inbox.list(None, 9, "a", "RM_2", Cursor(*third.age)) == [second]
    assert await inbox.list(None, 9, room_sid="RM_1") == [fourth, first]
    assert await inbox.list(InboxStatus.HANDLED, 9, "a") == []


async def test_entries_of_some_kinds_are_listed_of_one_room_instance(inbox: Inbox) -> None:
    joined, published = new_entry("a"), new_entry("a", kind="track_published")
    finished = new_entry("a", kind="room_finished", received_at=NOON + SECOND)
    other = new_entry("a", room_sid="RM_2")
    for entry in (joined, published, finished, other):
        await inbox.add(entry)

    kinds = {"participant_joined", "room_finished"}
    assert await inbox.list(None, 9, "a", "RM_1", kinds=kinds) == [finished, joined]
    assert await inbox.list(None, 9, kinds={"track_published"}) == [published]


async def test_the_end_of_a_room_is_known_before_it_is_handled(inbox: Inbox) -> None:
    await inbox.add(new_entry(room_sid="RM_1"))
    assert not await inbox.has_finished("RM_1")
    await inbox.add(new_entry(kind="room_finished", room_sid="RM_1"))
    assert await inbox.has_finished("RM_1")
    assert not await inbox.has_finished("RM_2")


async def test_the_end_of_a_room_is_known_as_long_as_any_event_tells_of_it(inbox: Inbox) -> None:
    for told_at in (NOON, NOON + 10 * SECOND):
        end = new_entry(kind="room_finished", room_sid="RM_1", received_at=told_at)
        await inbox.add(end.handled(told_at))
    assert await inbox.prune(NOON + SECOND) == 1
    assert await inbox.has_finished("RM_1")
    assert await inbox.prune(NOON + 11 * SECOND) == 1
    assert not await inbox.has_finished("RM_1")


async def test_only_what_was_handled_long_ago_is_pruned(inbox: Inbox) -> None:
    long_ago = NOON - 3600 * SECOND
    dead = attrs.evolve(new_entry("dead"), status=InboxStatus.DEAD, received_at=long_ago)
    pending = new_entry("pending", received_at=long_ago)
    old = new_entry("old", received_at=long_ago).handled(long_ago)
    late = new_entry("late", received_at=long_ago).handled(NOON)
    end = new_entry("end", kind="room_finished", room_sid="RM_end", received_at=long_ago)
    for entry in (dead, pending, old, late, end.handled(long_ago)):
        await inbox.add(entry)
    assert await inbox.prune(long_ago) == 0
    assert await inbox.prune(NOON) == 2
    kept = {entry.event.room_name for entry in await inbox.list(None, 10)}
    assert kept == {"dead", "pending", "late"}
    assert not await inbox.has_finished("RM_end")


async def test_however_many_claim_at_once_each_event_is_handled_once_and_rooms_one_by_one(
    database_url: str,
) -> None:
    """Several workers; where the database can be shared, of two replicas."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(opened(database_url))
        replicas = [first]
        if database_url != "memory://":
            replicas.append(await stack.enter_async_context(opened(database_url)))
        entries = [
            new_entry(f"room-{n % 7}", received_at=NOON + n * timedelta(milliseconds=1))
            for n in range(60)
        ]
        for entry in entries:
            await first.inbox.add(entry)
        handled, in_work, overlaps = Counter[str](), set[str](), list[str]()

        async def worker(number: int) -> None:
            inbox, holder, idle = replicas[number % len(replicas)].inbox, f"worker-{number}", 0
            while idle < 20:
                claimed = await claim(inbox, 60 * SECOND, holder, 3)
                idle = 0 if claimed else idle + 1
                for entry in claimed:
                    room = entry.event.room_name
                    if room in in_work:
                        overlaps.append(room)
                    in_work.add(room)
                for entry in claimed:
                    await asyncio.sleep(random.random() / 200)
                    in_work.discard(entry.event.room_name)
                    if await inbox.settle(entry.handled(NOON), holder):
                        handled[entry.event.id] += 1
                await asyncio.sleep(0.005)

        await asyncio.gather(*(worker(number) for number in range(6)))
        assert handled == Counter(entry.event.id for entry in entries)
        assert overlaps == []


async def test_a_claim_that_is_given_up_halfway_holds_up_nobody(inbox: Inbox) -> None:
    """As at the end of a process, which still has to settle what it has in hand."""
    await claim(inbox)
    for wait in range(25):
        await inbox.add(new_entry(f"room-{wait}"))
        with suppress(asyncio.CancelledError):
            await given_up_at(wait, claim(inbox, holder=f"{wait}", limit=1))
        async with asyncio.timeout(30):
            assert await inbox.add(new_entry("after"))


@types.coroutine
def given_up_at(wait: int, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """``work``, cancelled when it waits for that time."""
    waits = work.__await__()
    try:
        for _ in range(wait):
            yield next(waits)
    except StopIteration as end:
        return end.value
    yield waits.throw(asyncio.CancelledError)
    return (yield from waits)


async def test_replicas_that_free_a_dead_ones_leases_at_once_do_not_wait_for_each_other(
    postgres_url: str,
) -> None:
    """One has a lease of the dead one's in hand, and the other goes round it to the next room."""
    async with opened(postgres_url) as storage:
        assert isinstance(storage, SqlStorage)
        entries = [new_entry(f"room-{number}") for number in range(2)]
        for entry in entries:
            await storage.inbox.add(entry)
        await claim(storage.inbox, holder="dead")
        in_hand, free = entries
        async with storage.database.writer.begin() as other:
            await other.execute(
                select(inbox_table)
                .where(inbox_table.c.event_id == in_hand.event.id)
                .with_for_update()
            )
            async with asyncio.timeout(30):
                assert await claim(storage.inbox, LEASE) == [free]
