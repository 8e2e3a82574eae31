"""The port of usage, on every storage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import uuid_utils

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, Access
from domain.sessions.session import Session
from domain.shared.identifiers import ReportId, SessionId
from domain.shared.reported import Reported
from domain.usage.model_usage import COUNTERS, ModelUsage
from domain.usage.turn_latency import TurnLatency
from tests.contract.storage.ledgers import access_of, new_session

Ledger = MemoryStorage | SqlStorage

LLM = ModelUsage(
    kind="llm",
    provider="openai",
    model="gpt-4o-mini",
    **{name: number for number, name in enumerate(COUNTERS, 1)},
    others={"emotions_detected": 3, "joy": 0.5},
)
STT = ModelUsage(kind="stt", provider="deepgram", model="nova-3", audio_ms=10**12)
TTS = ModelUsage(kind="tts", provider="", model="", characters=250)


def new_report(session: Session | None = None) -> Reported:
    """A report of the session, or one that is not matched."""
    report = Reported(report_id=ReportId(str(uuid_utils.uuid7())))
    return report if session is None else matched(report, session)


def matched(report: Reported, session: Session) -> Reported:
    return attrs.evolve(report, session_id=session.id, tenant=session.tenant)


async def keep(ledger: Ledger, report: Reported, *usage: ModelUsage) -> None:
    async with ledger.unit_of_work() as work:
        await work.usage.keep(report, usage)
        await work.commit()


async def of(ledger: Ledger, session: SessionId, access: Access = SYSTEM) -> list[ModelUsage]:
    async with ledger.unit_of_work() as work:
        return await work.usage.of_session(session, access)


async def test_usage_is_read_as_it_was_kept(ledger: Ledger) -> None:
    session = new_session()

    await keep(ledger, new_report(session), TTS, STT, LLM)

    assert await of(ledger, session.id) == [LLM, STT, TTS]
    assert await of(ledger, new_session().id) == []


async def test_the_same_report_again_replaces_what_it_said(ledger: Ledger) -> None:
    session = new_session()
    report = new_report(session)
    more = attrs.evolve(STT, audio_ms=7)

    await keep(ledger, report, LLM, STT)
    await keep(ledger, report, more, TTS)

    assert await of(ledger, session.id) == [more, TTS]
    await keep(ledger, report)
    assert await of(ledger, session.id) == []


async def test_several_reports_of_a_session_add_up(ledger: Ledger) -> None:
    session = new_session()

    await keep(ledger, new_report(session), LLM, TTS)
    await keep(ledger, new_report(session), LLM)
    await keep(ledger, new_report(new_session()), LLM)

    assert await of(ledger, session.id) == [LLM.plus(LLM), TTS]


async def test_a_report_shows_in_no_session_until_it_is_matched(ledger: Ledger) -> None:
    session = new_session()
    report = new_report()
    await keep(ledger, report, LLM)
    assert await of(ledger, session.id) == []

    async with ledger.unit_of_work() as work:
        await work.usage.match(matched(report, session))
        assert await work.usage.of_session(session.id, SYSTEM) == [LLM]
        await work.commit()

    assert await of(ledger, session.id) == [LLM]
    # The worker repeats its upload, which is not matched at first.
    await keep(ledger, report, STT)
    assert await of(ledger, session.id) == [STT]


async def test_nothing_is_matched_of_a_report_that_said_nothing(ledger: Ledger) -> None:
    session = new_session()
    async with ledger.unit_of_work() as work:
        await work.usage.match(new_report(session))
        await work.commit()

    assert await of(ledger, session.id) == []


async def test_a_unit_shows_its_changes_and_undoes_them(ledger: Ledger) -> None:
    session = new_session()
    report = new_report(session)
    await keep(ledger, report, LLM)

    async with ledger.unit_of_work() as work:
        await work.usage.keep(report, [STT])
        await work.usage.keep(new_report(session), [STT])
        assert await work.usage.of_session(session.id, SYSTEM) == [STT.plus(STT)]

    assert await of(ledger, session.id) == [LLM]


async def test_usage_is_visible_to_its_tenant_only(ledger: Ledger) -> None:
    session = new_session(tenant="ann")
    await keep(ledger, new_report(session), LLM)

    assert await of(ledger, session.id, access_of("ann")) == [LLM]
    assert await of(ledger, session.id, access_of("ben", sees_unowned=True)) == []
    async with ledger.unit_of_work() as work:
        await work.usage.keep(new_report(session), [LLM])
        assert await work.usage.of_session(session.id, access_of("ben")) == []


async def test_it_is_pruned_once_its_session_is_gone(ledger: Ledger) -> None:
    session = new_session()
    async with ledger.unit_of_work() as work:
        await work.sessions.add(session)
        await work.commit()
    await keep(ledger, new_report(session), LLM)
    for _ in range(2):
        report = new_report(new_session())
        async with ledger.unit_of_work() as work:
            await work.usage.keep(report, [LLM])
            await work.usage.keep_turns(report, [TurnLatency(item_id="item_1", end_to_end_ms=1)])
            await work.commit()
    await keep(ledger, new_report())
    now = datetime.now(UTC)

    assert await ledger.prune_usage(now - timedelta(hours=1)) == 0
    assert await ledger.prune_usage(now + timedelta(hours=1)) == 3
    assert await of(ledger, session.id) == [LLM]
