"""A report with all that it brings is one transaction, on every storage."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.events.announcer import Announcer
from domain.privacy.data_subject import DataSubject
from domain.reports import keep_report
from domain.reports.post_report import PostReportCommand
from domain.reports.receive_report import IncomingReport
from domain.reports.report import ABANDONED_AFTER, Part
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import Identity
from domain.shared.reported import Reported
from domain.transcripts.repository import TranscriptSearch
from domain.transcripts.search_query import SearchQuery
from entrypoints.presenters.reports import EventData
from tests.contract.storage.ledgers import NOON, access_of, new_id, new_session
from tests.reports import ITEMS, OGG, SUMMARY
from tests.unit.reports.reported import ANNOUNCED, Desk
from tests.unit.worlds.fakes import FakeClock

TEXTS = ["When do you open?", "At nine."]


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """The use cases on an empty ledger of each kind, which makes events."""
    blank = Desk(clock=FakeClock())
    announcer = Announcer(
        ids=blank.ids, clock=blank.clock, present=lambda _: "{}", grace=timedelta(seconds=1)
    )
    if database_url == "memory://":
        yield Desk(clock=blank.clock, ids=blank.ids, ledger=MemoryStorage(announcer))
        return
    async with SqlStorage(database_url, announcer=announcer) as ledger:
        yield Desk(clock=blank.clock, ids=blank.ids, ledger=ledger)


async def test_everything_is_there_for_the_sessions_tenant_alone(desk: Desk) -> None:
    room_sid = f"RM_{new_id()}"
    session = await desk.begin(new_session(room_sid=room_sid, tenant="ann"))

    report = await desk.upload(room_sid=room_sid)

    assert (report.session_id, report.audio) == (session.id, Part.KEPT)
    assert await desk.items(session) == TEXTS
    async with desk.ledger.unit_of_work() as work:
        [usage] = await work.usage.of_session(session.id, access_of("ann"))
        [recording] = await work.recordings.of_session(session.id, access_of("ann"))
        assert await work.usage.of_session(session.id, access_of("ben")) == []
        assert await work.recordings.of_session(session.id, access_of("ben")) == []
    assert (usage.input_tokens, recording.size) == (120, len(OGG))
    assert await desk.events() == ANNOUNCED


async def test_many_items_are_seen_together_also_if_the_first_upload_is_cut_short(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_report, "AT_ONCE", 1)
    announced: set[int] = set()

    def transcript(_: EventData, __: Reported, items: int) -> dict[str, Any]:
        announced.add(items)
        return {}

    monkeypatch.setattr(EventData, "transcript", transcript)
    room_sid = f"RM_{new_id()}"
    session = await desk.begin(new_session(room_sid=room_sid))
    with monkeypatch.context() as patch:
        patch.setattr(IncomingReport, "_hand_over", cut_short)
        with pytest.raises(RuntimeError):
            await desk.upload(room_sid=room_sid)
    assert (await desk.items(session), await desk.events()) == ([], [])

    reports = [await desk.upload(room_sid=room_sid) for _ in range(2)]

    assert len({report.id for report in reports}) == 1
    assert (await desk.items(session), await desk.events()) == (TEXTS, ANNOUNCED)
    assert announced == {2}


@pytest.fixture
async def killed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session; the service was killed before it stored the second item of its report."""
    monkeypatch.setattr(keep_report, "AT_ONCE", 1)
    room_sid = f"RM_{new_id()}"
    session = await desk.begin(
        new_session(room_sid=room_sid, identity=Identity("ann")).ended(
            EndReason.ROOM_FINISHED, NOON
        )
    )
    with monkeypatch.context() as patch:
        patch.setattr(IncomingReport, "_hand_over", cut_short)
        with pytest.raises(RuntimeError):
            await desk.upload(room_sid=room_sid)
    assert await desk.items(session) == []
    return session


async def test_what_was_stored_of_a_report_that_does_not_come_again_is_seen_after_a_while(
    desk: Desk, killed: Session
) -> None:
    assert await desk.later(ABANDONED_AFTER.total_seconds()) == 1

    assert await desk.items(killed) == TEXTS[:1]
    assert await desk.ledger.transcripts.is_partial(killed.id)
    assert await desk.events() == []

    await desk.upload(room_sid=killed.room_sid)

    assert await desk.items(killed) == TEXTS
    assert not await desk.ledger.transcripts.is_partial(killed.id)
    assert await desk.events() == ANNOUNCED


@pytest.mark.parametrize("how", ["pruned", "of a person"])
async def test_what_was_stored_of_a_report_goes_with_it(
    desk: Desk, killed: Session, how: str
) -> None:
    if how == "pruned":
        assert await desk.ledger.prune_reports(desk.clock.now() + ABANDONED_AFTER) == 1
    else:
        counts = await desk.ledger.personal_data.forget(DataSubject.with_identity("ann"))
        assert (counts.sessions, counts.transcript_items) == (1, 1)

    assert await desk.items(killed) == []
    await desk.later(ABANDONED_AFTER.total_seconds())
    assert await desk.items(killed) == []
    wanted = TranscriptSearch(query=SearchQuery.parse("open"))
    assert await desk.ledger.transcripts.search(wanted, None, 10, SYSTEM) == []


def cut_short(_: object) -> None:
    raise RuntimeError("killed")


@pytest.mark.parametrize("at_once", [1, 500])
async def test_uploads_at_once_on_several_replicas_become_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    room_sid = f"RM_{new_id()}"
    session = await desk.begin(new_session(room_sid=room_sid))
    monkeypatch.setattr(keep_report, "AT_ONCE", at_once)

    reports = await asyncio.gather(*(desk.upload(room_sid=room_sid) for _ in range(4)))

    assert len({report.id for report in reports}) == 1
    assert (await desk.items(session), desk.stored()) == (TEXTS, [OGG])
    assert await desk.events() == ANNOUNCED


async def test_a_report_that_was_posted_gets_the_job_of_its_upload(desk: Desk) -> None:
    room_sid = f"RM_{new_id()}"
    session = await desk.begin(new_session())
    body = json.dumps({"chat_history": {"items": ITEMS}, "usage": SUMMARY["usage"]}).encode()
    report = await desk.post.read(body)
    posted = await desk.post(
        PostReportCommand(session_id=str(session.id), report=report, access=SYSTEM)
    )
    async with desk.ledger.unit_of_work() as work:
        stored = await work.sessions.get(session.id, SYSTEM)
        await work.sessions.save(stored.activated(room_sid, desk.clock.now()))
        await work.commit()

    reports = await asyncio.gather(*(desk.upload(room_sid=room_sid) for _ in range(3)))

    assert {report.id for report in reports} == {posted.report.id}
    assert {report.room_sid for report in reports} == {room_sid}
    async with desk.ledger.unit_of_work() as work:
        [usage] = await work.usage.of_session(session.id, SYSTEM)
    assert usage.input_tokens == 120
    assert await desk.events() == ANNOUNCED


async def test_a_report_is_matched_later_and_once(desk: Desk) -> None:
    room_sid = f"RM_{new_id()}"
    session = await desk.begin(new_session(tenant="ann"))
    assert (await desk.upload(room_sid=room_sid)).session_id is None
    async with desk.ledger.unit_of_work() as work:
        stored = await work.sessions.get(session.id, SYSTEM)
        assert stored is not None
        await work.sessions.save(stored.activated(room_sid, desk.clock.now()))
        await work.commit()
    desk.clock.advance(timedelta(seconds=1))

    matched = await asyncio.gather(*(desk.match() for _ in range(3)))

    assert sum(matched) == 1
    assert await desk.items(session) == TEXTS
    async with desk.ledger.unit_of_work() as work:
        [recording] = await work.recordings.of_session(session.id, access_of("ann"))
        assert len(await work.usage.of_session(session.id, access_of("ann"))) == 1
    assert recording.tenant == "ann"
    assert await desk.events() == ANNOUNCED
