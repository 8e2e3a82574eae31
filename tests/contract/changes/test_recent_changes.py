"""What the port says of recent changes, one sentence after another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import Scope
from domain.access.api_key import ApiKey
from domain.changes.change import Area, Change
from domain.inbox.entry import MAX_FAILURES, InboxEntry
from domain.sessions.session_status import EndReason
from domain.shared.timeline import Source
from domain.webhooks.delivery import Attempt, Delivery
from domain.webhooks.lane_repository import LaneClaim
from tests.contract.storage.ledgers import (
    NOON,
    new_call,
    new_entry,
    new_room,
    new_session,
    noted,
    opened,
)
from tests.contract.webhooks.examples import SECOND, new_delivery, new_webhook

Ledger = MemoryStorage | SqlStorage
MS: Final = timedelta(milliseconds=1)
SLOW: Final = Attempt(at=NOON, status_code=500, error="It answered 500.", duration_ms=15_000)
DONE: Final = Attempt(at=NOON + 20 * SECOND, status_code=204, duration_ms=7)


async def since(ledger: Ledger, area: Area, after: timedelta, limit: int = 10) -> Sequence[Change]:
    return await ledger.changes.since(area, NOON + after, limit)


async def claimed(ledger: Ledger, delivery: Delivery, after: timedelta) -> LaneClaim:
    now = NOON + after
    (claim,) = await ledger.webhook_lanes.claim({delivery.webhook_id: 1}, "me", now, now + SECOND)
    return claim


async def test_each_attempt_and_each_redelivery_is_a_change_of_the_delivery(ledger: Ledger) -> None:
    webhook = new_webhook()
    await ledger.webhooks.add(webhook)
    waiting = new_delivery(webhook, 1, created_at=NOON)
    await ledger.webhook_deliveries.fan_out([waiting], None, 1)

    # Given a delivery that was not attempted, which its event has announced, nothing is changed.
    assert await since(ledger, Area.DELIVERIES, timedelta()) == []

    # When the receiver refuses it after a while, that is a change as of then.
    claim = await claimed(ledger, waiting, timedelta())
    retried = waiting.retried(SLOW, None)
    assert await ledger.webhook_lanes.postpone(retried, claim)
    (refused,) = await since(ledger, Area.DELIVERIES, 15 * SECOND)
    assert (refused.at, refused.reach) == (NOON + 15 * SECOND, webhook.reach)
    assert await since(ledger, Area.DELIVERIES, 15 * SECOND + MS) == []

    # When it succeeds, that is another one.
    claim = await claimed(ledger, retried, 20 * SECOND)
    settled = retried.succeeded(DONE)
    assert await ledger.webhook_lanes.settle(settled, claim)
    (done,) = await since(ledger, Area.DELIVERIES, timedelta())
    assert (done.at, done.reach) == (DONE.ended_at, webhook.reach)
    assert done.key != refused.key

    # When it is redelivered, that is one more.
    again = settled.redelivered(NOON + 30 * SECOND, in_lane=None)
    assert await ledger.webhook_deliveries.redeliver([again], NOON + 30 * SECOND) == 1
    (redelivered,) = await since(ledger, Area.DELIVERIES, timedelta())
    assert redelivered.at == NOON + 30 * SECOND
    assert redelivered.key not in (done.key, refused.key)


async def handle(ledger: Ledger, after: timedelta) -> InboxEntry:
    now = NOON + after
    (entry,) = await ledger.inbox.claim("me", now, now + SECOND, 1)
    return entry


async def test_what_comes_in_and_what_becomes_of_it_is_a_change_of_the_inbox(
    ledger: Ledger,
) -> None:
    entry = new_entry("support", room_sid="RM_7")
    await ledger.inbox.add(entry)
    (received,) = await since(ledger, Area.INBOX, timedelta())
    assert (received.at, received.room) == (NOON, ("support", "RM_7"))
    assert await since(ledger, Area.INBOX, MS) == []

    # When it is handled at the first attempt, it is a change of what was received.
    await ledger.inbox.settle((await handle(ledger, timedelta())).handled(NOON + MS), "me")
    (handled,) = await since(ledger, Area.INBOX, timedelta())
    assert handled.key != received.key

    # When it is replayed a minute later, fails, dies and is replayed again, each is known by then.
    keys, at = {received.key, handled.key}, NOON + 60 * SECOND
    assert await ledger.inbox.replay((await handled_one(ledger, entry)).replayed(at))
    for number in range(1, MAX_FAILURES + 1):
        found = await since(ledger, Area.INBOX, at - NOON)
        keys |= {change.key for change in found}
        assert len(keys) == 2 + number
        at += 600 * SECOND
        failed = (await handle(ledger, at - NOON)).failed("No answer.", at)
        assert await ledger.inbox.settle(failed, "me")
    (dead,) = await since(ledger, Area.INBOX, at - NOON)
    assert dead.key not in keys
    assert await ledger.inbox.replay((await handled_one(ledger, entry)).replayed(at + SECOND))
    done = await handle(ledger, at + SECOND - NOON)
    assert await ledger.inbox.settle(done.handled(at + 2 * SECOND), "me")
    (late,) = await since(ledger, Area.INBOX, at + 2 * SECOND - NOON)
    assert (late.at, late.room) == (at + 2 * SECOND, ("support", "RM_7"))


async def handled_one(ledger: Ledger, entry: InboxEntry) -> InboxEntry:
    found = await ledger.inbox.get(entry.event.id)
    assert found is not None
    return found


async def test_an_event_about_no_room_is_a_change_without_one(ledger: Ledger) -> None:
    await ledger.inbox.add(new_entry("", room_sid=""))
    (change,) = await since(ledger, Area.INBOX, timedelta())
    assert change.room is None


async def test_the_use_of_a_key_is_a_change(ledger: Ledger) -> None:
    for prefix in ("used", "idle"):
        key = ApiKey(
            id=prefix, tenant="ann", name=prefix, prefix=prefix, digest="0" * 64,
            scopes=frozenset({Scope.CALLS_READ}), created_at=NOON,
        )  # fmt: skip
        await ledger.api_keys.add(key)
    assert await since(ledger, Area.API_KEYS, timedelta()) == []
    await ledger.api_keys.used("used", NOON + SECOND)
    (change,) = await since(ledger, Area.API_KEYS, SECOND)
    assert (change.area, change.at, change.reach) == (Area.API_KEYS, NOON + SECOND, None)
    assert await since(ledger, Area.API_KEYS, SECOND + MS) == []


async def test_of_many_changes_the_oldest_come_first(ledger: Ledger) -> None:
    entries = [new_entry(f"room-{n}", received_at=NOON + n * SECOND) for n in (4, 1, 3, 0, 2)]
    for entry in entries:
        await ledger.inbox.add(entry)
    late = entries[0].held_up("No answer.", NOON + 9 * SECOND)
    claims = await ledger.inbox.claim("me", NOON + 9 * SECOND, NOON + 10 * SECOND, 10)
    assert late.event.id in {claim.event.id for claim in claims}
    await ledger.inbox.settle(late, "me")

    found = await since(ledger, Area.INBOX, SECOND, limit=3)
    assert [change.at - NOON for change in found] == [SECOND, 2 * SECOND, 3 * SECOND]
    assert (await since(ledger, Area.INBOX, 9 * SECOND))[0].at == NOON + 9 * SECOND


async def test_a_room_is_its_sessions_and_calls_tenants(ledger: Ledger) -> None:
    # Given a session that has its room, one that waits for it, and one that has ended before
    # another tenant's came to the same room, and a call,
    reused, awaited = new_room(), new_room()
    there = new_session(tenant="there").activated("RM_there", NOON, source=Source.WEBHOOK)
    ended = new_session(reused, tenant="ended").activated("RM_1", NOON, source=Source.WEBHOOK)
    ended = ended.ended(EndReason.ROOM_FINISHED, NOON + SECOND, Source.WEBHOOK)
    follows = new_session(reused, tenant="follows").activated("RM_2", NOON, source=Source.WEBHOOK)
    call = new_call(tenant="called", room_name="call", room_sid="RM_call")
    async with ledger.unit_of_work() as work:
        for session in (there, ended, follows, new_session(awaited, tenant="awaits")):
            await work.sessions.add(session)
        await work.sessions.add(new_session(new_room(), tenant="elsewhere"))
        await work.calls.add(call)
        await work.calls.add(new_call())
        await work.commit()

    # each is found by what is its own.
    owners = ledger.changes.owners
    assert await owners([(there.room_name.value, "RM_there")]) == {"there"}
    assert await owners([(awaited.value, "RM_new")]) == {"awaits"}
    assert await owners([(reused.value, "RM_1")]) == {"ended"}
    assert await owners([(reused.value, "RM_2")]) == {"follows"}
    assert await owners([("call", "RM_call")]) == {"called"}
    assert await owners([(reused.value, "RM_0"), ("nobody", "RM_9")]) == frozenset()
    both = [(awaited.value, "RM_new"), ("call", "RM_call")]
    assert await owners(both) == {"awaits", "called"}
    free = new_call(room_sid="RM_free")
    async with ledger.unit_of_work() as work:
        await work.calls.add(free)
        await work.commit()
    assert await owners([("free", "RM_free")]) == {None}


async def test_sqlite_reads_no_table_from_one_end_to_the_other(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        assert isinstance(storage, SqlStorage)
        sent = noted(storage)
        for area in (Area.DELIVERIES, Area.INBOX):
            await since(storage, area, timedelta())
        await storage.changes.owners([("a", "RM_1"), ("b", "RM_2")])
        plans = []
        async with storage.database.writer.connect() as connection:
            for statement, parameters in [*sent]:
                explained = f"EXPLAIN QUERY PLAN {statement}"
                rows = await connection.exec_driver_sql(explained, parameters)
                plans += [row.detail for row in rows]

    assert len(plans) > 6
    tables = r"SCAN (webhook_deliveries|inbox|sessions|calls)\b"
    assert [plan for plan in plans if re.match(tables, plan)] == []
