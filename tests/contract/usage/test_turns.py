"""A turn counts once, whichever reports of its session have it, on every storage."""

from __future__ import annotations

import asyncio

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.shared.reported import Reported
from domain.statistics.statistics import Distribution
from domain.usage.turn_latency import TurnLatency
from tests.contract.storage.ledgers import new_session
from tests.contract.usage.test_statistics import MIDNIGHT, MONTH
from tests.contract.usage.test_usage import matched, new_report

Ledger = MemoryStorage | SqlStorage


async def keep(ledger: Ledger, reported: Reported, **turns: int) -> None:
    latencies = [TurnLatency(item_id=name, end_to_end_ms=ms) for name, ms in turns.items()]
    async with ledger.unit_of_work() as work:
        await work.usage.keep_turns(reported, latencies)
        await work.commit()


async def of_all(ledger: Ledger) -> Distribution:
    (found,) = await ledger.statistics.read(MONTH, SYSTEM)
    return found.turn_latency


async def test_items_that_a_session_has_of_several_reports_are_one_turn_each(
    ledger: Ledger,
) -> None:
    session, other = new_session(created_at=MIDNIGHT), new_session(created_at=MIDNIGHT)
    async with ledger.unit_of_work() as work:
        for each in (session, other):
            await work.sessions.add(each)
        await work.commit()
    posted, uploaded = new_report(session), new_report()
    await keep(ledger, posted, a=100, b=200)
    await keep(ledger, uploaded, b=300, c=400)
    await keep(ledger, new_report(other), a=500)

    async with ledger.unit_of_work() as work:
        await work.usage.match(matched(uploaded, session))
        await work.commit()

    found = await of_all(ledger)
    assert (found.count, found.total) == (4, 100 + 300 + 400 + 500)
    await keep(ledger, posted, c=600)
    assert (await of_all(ledger)).total == 100 + 300 + 600 + 500


async def test_the_same_item_in_several_reports_at_once_is_one_turn(ledger: Ledger) -> None:
    session = new_session(created_at=MIDNIGHT)
    async with ledger.unit_of_work() as work:
        await work.sessions.add(session)
        await work.commit()

    await asyncio.gather(*(keep(ledger, new_report(session), a=100) for _ in range(5)))

    assert (await of_all(ledger)).count == 1
