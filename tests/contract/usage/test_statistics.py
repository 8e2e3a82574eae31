"""The port of statistics, on every storage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import chain, combinations
from random import Random
from typing import Any

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, Access
from domain.calls.call import Call
from domain.rooms.sip_leg import Direction
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.identifiers import AgentId
from domain.statistics.statistics import (
    Dimension,
    Distribution,
    GroupKey,
    GroupStatistics,
    StatisticsQuery,
    UsageOfPeriod,
)
from domain.usage.model_usage import ModelUsage
from domain.usage.turn_latency import TurnLatency
from tests.contract.storage.ledgers import access_of, new_call, new_session
from tests.contract.usage.test_usage import LLM, STT, new_report

Ledger = MemoryStorage | SqlStorage

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
SAVED = AgentId("01890a5d-ac96-774b-bcce-b302099a8057")
MONTH = StatisticsQuery(since=MIDNIGHT, until=MIDNIGHT + 30 * DAY)


def ended_session(at: datetime, seconds: float, **changes: Any) -> Session:
    """A session whose agent joined 300 ms after its dispatch and stayed for so long."""
    joined = at + timedelta(milliseconds=300)
    values: dict[str, Any] = {
        "created_at": at,
        "dispatched_at": at,
        "agent_joined_at": joined,
        "active_at": joined,
        "status": SessionStatus.ENDED,
        "ended_at": joined + seconds * SECOND,
        "end_reason": EndReason.ROOM_FINISHED,
    }
    return new_session(**(values | changes))


async def store(ledger: Ledger, *records: Session | Call) -> None:
    async with ledger.unit_of_work() as work:
        for record in records:
            if isinstance(record, Session):
                await work.sessions.add(record)
            else:
                await work.calls.add(record)
        await work.commit()


async def report(ledger: Ledger, session: Session, *usage: ModelUsage, turns: list[int]) -> None:
    reported = new_report(session)
    latencies = [
        TurnLatency(item_id=f"{reported.report_id}_{number}", end_to_end_ms=milliseconds)
        for number, milliseconds in enumerate(turns)
    ]
    async with ledger.unit_of_work() as work:
        await work.usage.keep(reported, usage)
        await work.usage.keep_turns(
            reported, [*latencies, TurnLatency(item_id="item_u", transcription_ms=9)]
        )
        await work.commit()


async def test_nothing_is_added_up_of_an_empty_ledger(ledger: Ledger) -> None:
    assert await ledger.statistics.read(MONTH, SYSTEM) == []


async def test_sessions_and_calls_of_a_range_are_counted_once(ledger: Ledger) -> None:
    live = new_session(created_at=MIDNIGHT)
    served = [ended_session(MIDNIGHT + 2 * DAY, seconds) for seconds in (10, 20, 30)]
    gone = {"active_at": None, "agent_joined_at": None}
    unserved = ended_session(MIDNIGHT + DAY, 1, **gone)
    abandoned = ended_session(MIDNIGHT + DAY, 1, **gone, end_reason=EndReason.ABANDONED)
    outside = [ended_session(MIDNIGHT - SECOND, 1), ended_session(MONTH.until, 1)]
    ringing = new_call(joined_at=MIDNIGHT, direction=Direction.OUTBOUND)
    answered = new_call(
        joined_at=MIDNIGHT,
        direction=Direction.INBOUND,
        seen_active_at=MIDNIGHT + SECOND,
        ended_at=MIDNIGHT + 6 * SECOND,
    )
    busy = attrs.evolve(
        ringing, id=new_call().id, leg=new_call(direction=Direction.OUTBOUND).leg,
        placed_at=MIDNIGHT, ended_at=MIDNIGHT + SECOND, disconnect_reason="USER_REJECTED",
    )  # fmt: skip
    await store(ledger, live, *served, unserved, abandoned, *outside, ringing, answered, busy)
    for session in (served[0], served[0], outside[0]):
        await report(ledger, session, LLM, STT, turns=[400, 200, 300, 100])
    await report(ledger, live, STT, turns=[])

    (found,) = await ledger.statistics.read(MONTH, SYSTEM)

    twice = LLM.plus(LLM)
    assert found == GroupStatistics(
        key=GroupKey(),
        sessions=6,
        live_sessions=1,
        unserved_sessions=1,
        inbound_calls=1,
        outbound_calls=2,
        answered_calls=1,
        failed_calls=1,
        session_time=Distribution(count=3, total=60_000, p50=20_000, p95=30_000),
        call_time=Distribution(count=1, total=5_000, p50=5_000, p95=5_000),
        join_latency=Distribution(count=3, total=900, p50=300, p95=300),
        turn_latency=Distribution(count=8, total=2_000, p50=200, p95=400),
        usage=[
            UsageOfPeriod(period=0, usage=attrs.evolve(twice, others={})),
            UsageOfPeriod(period=0, usage=STT.plus(STT).plus(STT)),
        ],
    )


async def test_minutes_begin_with_their_first_millisecond(ledger: Ledger) -> None:
    minute, last = timedelta(minutes=1), timedelta(milliseconds=1)
    times = [MIDNIGHT - last, MIDNIGHT, MIDNIGHT + minute - last, MIDNIGHT + minute]
    sessions = [ended_session(time, 1) for time in times]
    await store(ledger, *sessions, new_call(joined_at=MIDNIGHT + minute))
    for session, turn in zip(sessions, (100, 200, 400, 300), strict=True):
        await report(ledger, session, turns=[turn])
    query = StatisticsQuery(since=MIDNIGHT - DAY, until=MONTH.until, by=[Dimension.MINUTE])

    found = await ledger.statistics.read(query, SYSTEM)

    assert [
        (group.key.minute, group.sessions, group.calls, group.turn_latency.p95) for group in found
    ] == [
        ("2026-02-28T23:59:00.000Z", 1, 0, 100),
        ("2026-03-01T00:00:00.000Z", 2, 0, 400),
        ("2026-03-01T00:01:00.000Z", 1, 1, 300),
    ]


async def test_days_are_cut_in_utc_and_periods_where_prices_change(ledger: Ledger) -> None:
    late = ended_session(MIDNIGHT + DAY - timedelta(milliseconds=1), 1)
    early = ended_session(MIDNIGHT + DAY, 1)
    await store(ledger, late, early)
    for session in (late, early):
        await report(ledger, session, STT, turns=[])
    query = attrs.evolve(MONTH, by=[Dimension.DAY], breaks=[date(2026, 3, 2), date(2026, 3, 9)])

    found = await ledger.statistics.read(query, SYSTEM)

    assert [(group.key.day, group.sessions) for group in found] == [
        ("2026-03-01", 1),
        ("2026-03-02", 1),
    ]
    assert [group.usage[0].period for group in found] == [0, 1]


async def test_tenants_see_what_they_own(ledger: Ledger) -> None:
    owners = ["ann", "ann", "ben", None]
    sessions = [ended_session(MIDNIGHT, 1, tenant=tenant) for tenant in owners]
    calls = [
        new_call(joined_at=MIDNIGHT, tenant=session.tenant, session_id=session.id)
        for session in sessions
    ]
    await store(ledger, *sessions, *calls)
    for session in sessions:
        await report(ledger, session, STT, turns=[100])

    async def seen(access: Access) -> list[tuple[int, int, int, int]]:
        found = await ledger.statistics.read(MONTH, access)
        return [
            (group.sessions, group.calls, group.turn_latency.count, group.tokens("audio_ms"))
            for group in found
        ]

    audio = STT.audio_ms
    assert await seen(access_of("ann")) == [(2, 2, 2, 2 * audio)]
    assert await seen(access_of("ben", sees_unowned=True)) == [(2, 2, 2, 2 * audio)]
    assert await seen(access_of("eve")) == []
    by_tenant = attrs.evolve(MONTH, by=[Dimension.TENANT])
    found = await ledger.statistics.read(by_tenant, SYSTEM)
    assert [(group.key.tenant, group.sessions) for group in found] == [
        ("", 1), ("ann", 2), ("ben", 1),
    ]  # fmt: skip


def any_ledger(random: Random) -> list[Session | Call]:
    """Sessions and calls in any state, some of them nonsense, in and around a few days."""

    def some(*values: Any) -> Any:
        return random.choice(values)

    def at() -> datetime:
        return MIDNIGHT + timedelta(milliseconds=random.randrange(4 * 86_400_000))

    def after(time: datetime) -> datetime | None:
        found: datetime | None = some(
            None, time + timedelta(milliseconds=random.randrange(-100, 5_000))
        )
        return found

    sessions = []
    for _ in range(40):
        created = at()
        status = some(SessionStatus.ENDED, SessionStatus.ENDED, SessionStatus.ACTIVE)
        ends = status is SessionStatus.ENDED
        session = new_session(
            created_at=created,
            status=status,
            tenant=some(None, "ann", "ben"),
            agent_name=some("=agent", "other"),
            agent_id=some(None, SAVED),
            dispatched_at=after(created),
            agent_joined_at=after(created),
            agent_adopted=random.random() < 1 / 3,
            active_at=after(created),
            ended_at=(after(created) or created) if ends else None,
            end_reason=some(*EndReason) if ends else None,
        )
        sessions.append(session)
    calls = []
    for _ in range(30):
        joined = at()
        of = some(None, *sessions[:10])
        call = new_call(
            joined_at=joined,
            direction=some(*Direction),
            sip_call_id_full=some(None, "call-id@carrier"),
            seen_active_at=after(joined),
            ended_at=after(joined),
            was_active_at_end=random.random() < 1 / 2,
            aborted=random.random() < 1 / 3,
            disconnect_reason=some(None, "USER_REJECTED", "CLIENT_INITIATED"),
            session_id=of and some(of.id, new_session().id),
            tenant=some(None, "ann", "ben"),
        )
        calls.append(call)
    return [*sessions, *calls]


ALL_WAYS = list(chain.from_iterable(combinations(Dimension, number) for number in range(5)))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
async def test_any_ledger_is_added_up_as_one_by_one(ledger: Ledger, seed: int) -> None:
    random, reference = Random(seed), MemoryStorage()
    records = any_ledger(random)
    for each in (ledger, reference):
        await store(each, *records)
    for session in (record for record in records if isinstance(record, Session)):
        for number in range(random.randrange(3)):
            turns = random.choices(range(2_000), k=random.randrange(5))
            usage = random.sample([LLM, STT, attrs.evolve(STT, model="nova-2")], number + 1)
            for each in (ledger, reference):
                await report(each, session, *usage, turns=turns)

    query = StatisticsQuery(
        since=MIDNIGHT + timedelta(hours=7),
        until=MIDNIGHT + 3.5 * DAY,
        breaks=[date(2026, 3, 2), date(2026, 3, 4)],
    )
    for by in ALL_WAYS:
        for access in (SYSTEM, access_of("ann"), access_of("ben", sees_unowned=True)):
            wanted = attrs.evolve(query, by=by)
            expected = await reference.statistics.read(wanted, access)
            assert await ledger.statistics.read(wanted, access) == expected
            assert sum(group.sessions for group in expected) > 0
