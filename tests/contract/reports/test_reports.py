"""The port of workers' reports, on every storage."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from domain.reports.report import Part, Report
from domain.shared.errors import Conflict
from domain.shared.identifiers import CallId, ReportId
from tests.contract.recordings.test_recordings import new_recording
from tests.contract.storage.ledgers import NOON, access_of, new_id, new_session
from tests.contract.transcripts.kept import said

SECOND = timedelta(seconds=1)
Ledger = MemoryStorage | SqlStorage


def new_report(**changes: Any) -> Report:
    """A report that is not stored, of a job of its own."""
    report_id = str(new_id())
    report = Report(
        id=ReportId(report_id),
        room_sid=f"RM_{report_id}",
        job_id=f"AJ_{report_id}",
        room_name="support-7",
        received_at=NOON,
        completed_at=NOON,
        summary='{"room":"support-7","usage":[]}',
        transcript=Part.KEPT,
        audio=Part.DROPPED,
        retry_at=NOON + SECOND,
    )
    return attrs.evolve(report, **changes)


async def add(ledger: Ledger, *reports: Report) -> None:
    async with ledger.unit_of_work() as work:
        for report in reports:
            await work.reports.add(report)
        await work.commit()


async def save(ledger: Ledger, report: Report) -> None:
    async with ledger.unit_of_work() as work:
        await work.reports.save(report)
        await work.commit()


async def get(ledger: Ledger, report: Report) -> Report | None:
    async with ledger.unit_of_work() as work:
        return await work.reports.get(report.id)


async def test_a_report_is_read_as_it_was_stored(ledger: Ledger) -> None:
    matched = new_report().matched(new_id(), CallId(str(new_id())), "ann")
    bare = new_report(room_name="", summary="", completed_at=None, retry_at=None)
    await add(ledger, matched, bare)

    assert await get(ledger, matched) == matched
    async with ledger.unit_of_work() as work:
        assert await work.reports.of_job(bare.room_sid, bare.job_id) == bare
        assert await work.reports.of_job(bare.room_sid, matched.job_id) is None


async def test_a_job_has_one_report_in_a_room_instance(ledger: Ledger) -> None:
    first = new_report()
    second = new_report(room_sid=first.room_sid, job_id=first.job_id)

    done = await asyncio.gather(add(ledger, first), add(ledger, second), return_exceptions=True)

    assert [type(each) for each in done if each is not None] == [Conflict]
    await add(ledger, new_report(room_sid=first.room_sid), new_report(job_id=first.job_id))


async def test_of_several_changes_at_once_one_is_stored(ledger: Ledger) -> None:
    report = new_report()
    await add(ledger, report)
    matched = report.matched(new_id(), None, "ann")

    done = await asyncio.gather(*(save(ledger, matched) for _ in range(4)), return_exceptions=True)

    assert [type(each) for each in done if each is not None] == [Conflict] * 3
    assert await get(ledger, report) == matched.stored()
    await save(ledger, attrs.evolve(matched.stored(), audio=Part.KEPT))


async def test_unmatched_reports_are_due_in_the_order_of_their_next_attempts(
    ledger: Ledger,
) -> None:
    late, early = new_report(retry_at=NOON + 2 * SECOND), new_report()
    matched = new_report().matched(new_id(), None, None)
    await add(ledger, late, early, matched)

    async with ledger.unit_of_work() as work:
        assert await work.reports.due(NOON, 10) == []
        assert await work.reports.due(NOON + 2 * SECOND, 10) == [early, late]
        assert await work.reports.due(NOON + 2 * SECOND, 1) == [early]


async def test_the_reports_of_a_session_are_found_the_oldest_first(ledger: Ledger) -> None:
    session_id = new_id()
    old = new_report().matched(session_id, None, None)
    new = new_report(received_at=NOON + SECOND).matched(session_id, None, None)
    await add(ledger, new, old, new_report())

    async with ledger.unit_of_work() as work:
        assert await work.reports.of_session(session_id) == [old, new]
        assert await work.reports.of_session(new_id()) == []


async def test_of_reports_that_were_each_taken_for_the_sessions_first_one_is_stored(
    ledger: Ledger,
) -> None:
    session_id, late = new_id(), new_report()
    await add(ledger, late)

    async def add_first() -> None:
        async with ledger.unit_of_work() as work:
            assert await work.reports.of_session(session_id) == []
            await both_have_read.wait()
            await work.reports.add(new_report().matched(session_id, None, None))
            await work.commit()

    async def match_first() -> None:
        async with ledger.unit_of_work() as work:
            assert await work.reports.of_session(session_id) == []
            await both_have_read.wait()
            await work.reports.save(late.matched(session_id, None, None))
            await work.commit()

    both_have_read = asyncio.Barrier(3)
    done = await asyncio.gather(add_first(), match_first(), add_first(), return_exceptions=True)

    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Conflict", "NoneType"]
    async with ledger.unit_of_work() as work:
        assert len(await work.reports.of_session(session_id)) == 1


async def test_old_reports_without_a_session_are_deleted(ledger: Ledger) -> None:
    session = new_session()
    async with ledger.unit_of_work() as work:
        await work.sessions.add(session)
        await work.commit()
    matched = new_report().matched(session.id, None, None)
    old, young = new_report(), new_report(received_at=NOON + 2 * SECOND)
    of_one_that_is_gone = new_report().matched(new_id(), None, None)
    await add(ledger, matched, old, young, of_one_that_is_gone)

    assert await ledger.prune_reports(NOON + SECOND) == 2

    assert [await get(ledger, each) for each in (matched, old, young)] == [matched, None, young]
    assert await get(ledger, of_one_that_is_gone) is None


async def test_what_a_report_says_of_a_person_is_found_and_erased(ledger: Ledger) -> None:
    theirs = new_report(room_name="call-_+15105550177_x")
    summary = '{"tags":["+1 510 555 0177"]}'
    await add(ledger, theirs, new_report(summary=summary), new_report())
    person = DataSubject.with_number("+15105550177")

    assert await ledger.personal_data.mentions(person) == PersonalDataCounts(reports=2)
    assert await ledger.personal_data.forget(person) == PersonalDataCounts(reports=2)
    assert await get(ledger, theirs) is None


async def test_what_a_persons_unmatched_report_brought_is_forgotten_with_it(ledger: Ledger) -> None:
    theirs, others = new_report(room_name="call-+15105550100"), new_report()
    await add(ledger, theirs, others)
    kept = [new_recording(reported=each.reported) for each in (theirs, others)]
    async with ledger.unit_of_work() as work:
        for report, recording in zip((theirs, others), kept, strict=True):
            await work.transcripts.keep(report.reported, [said("Hello")])
            await work.recordings.keep(recording)
        await work.commit()
    person = DataSubject.with_number("+15105550100")

    expected = PersonalDataCounts(reports=1, recordings=1, transcript_items=1)
    assert await ledger.personal_data.mentions(person) == expected
    assert await ledger.personal_data.forget(person) == expected

    [marked] = await ledger.recordings.marked(9)
    assert marked.id == kept[0].id


@pytest.mark.parametrize("tenant", ["ann", None])
async def test_the_sessions_of_a_room_instance_are_found_newest_first(
    ledger: Ledger, tenant: str | None
) -> None:
    first = new_session(tenant=tenant, room_sid="RM_1")
    later = new_session(tenant=tenant, room_sid="RM_1", created_at=NOON + SECOND)
    async with ledger.unit_of_work() as work:
        for session in (first, later, new_session(room_sid="RM_2"), new_session()):
            await work.sessions.add(session)
        await work.commit()

    async with ledger.unit_of_work() as work:
        assert await work.sessions.in_instance("RM_1", SYSTEM) == [later, first]
        assert await work.sessions.in_instance("RM_1", access_of(tenant)) == [later, first]
        assert await work.sessions.in_instance("RM_1", access_of("ben")) == []
