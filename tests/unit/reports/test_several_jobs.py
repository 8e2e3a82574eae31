"""Sessions that several jobs served, and posts that come while an upload is matched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.memory.unit_of_work import MemoryUnitOfWork
from domain.access.access import SYSTEM
from domain.reports.choose_session import agent_of
from domain.reports.decide_report import NewReport
from domain.reports.header import ReportHeader
from domain.reports.one_report import stand_in
from domain.reports.report import Part
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.shared.identifiers import RoomName
from domain.shared.timeline import Source
from domain.statistics.statistics import StatisticsQuery
from domain.transcripts.read_chat_history import items_of
from tests.contract.storage.ledgers import NOON, new_session
from tests.reports import ITEMS, ROOM_SID, SUMMARY
from tests.unit.reports.reported import ANNOUNCED, Desk
from tests.unit.reports.test_post_report import TEXTS, post, tokens

FIRST, SECOND = "AJ_first", "AJ_second"
WHOLE = {"usage": SUMMARY["usage"], "chat_history": {"items": ITEMS}}


async def change(desk: Desk, session: Session, changed: Callable[[Session], Session]) -> Session:
    async with desk.ledger.unit_of_work() as work:
        stored = await work.sessions.get(session.id, SYSTEM)
        await work.sessions.save(changed(stored))
        await work.commit()
        stored = await work.sessions.get(session.id, SYSTEM)
    assert isinstance(stored, Session)
    return stored


async def joins(desk: Desk, session: Session, job_id: str, room_sid: str = ROOM_SID) -> Session:
    agent = SeenAgent(identity=agent_of(job_id))
    return await change(desk, session, lambda s: s.activated(room_sid, desk.clock.now(), agent))


async def leaves(desk: Desk, session: Session) -> Session:
    return await change(desk, session, lambda s: s.without_agent(desk.clock.now(), Source.WEBHOOK))


async def test_a_session_remembers_each_agent_that_served_it_once() -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    for job_id in (FIRST, SECOND, FIRST):
        await joins(desk, session, job_id)
        session = await leaves(desk, session)

    assert session.agents == (agent_of(FIRST), agent_of(SECOND))
    for number in range(100):
        session = await joins(desk, session, f"AJ_{number}")
    assert len(session.earlier_agents) == 50


async def test_the_report_of_an_agent_that_was_replaced_is_its_sessions() -> None:
    """Of two sessions in one room instance the older one, whose second agent is there now."""
    desk = Desk()
    session = await desk.begin(new_session(RoomName("a")))
    await joins(desk, session, FIRST)
    await joins(desk, session, SECOND)
    later = new_session(RoomName("b"), room_sid=ROOM_SID, created_at=NOON + timedelta(seconds=1))
    await desk.begin(later)

    reports = [await desk.upload(job_id=job_id) for job_id in (FIRST, SECOND)]

    assert {report.session_id for report in reports} == {session.id}
    assert await tokens(desk, session) == [240]


async def test_a_report_of_the_rooms_earlier_instance_is_its_sessions() -> None:
    desk = Desk()
    session = await desk.begin(new_session(RoomName(SUMMARY["room"])))
    await joins(desk, session, FIRST, "RM_before")
    await leaves(desk, session)
    await joins(desk, session, SECOND)

    report = await desk.upload(room_sid="RM_before", job_id=FIRST)

    assert report.session_id == session.id


@pytest.mark.parametrize("named", [True, False])
async def test_a_post_counts_as_its_own_jobs_after_the_agent_has_gone(*, named: bool) -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    for job_id in (FIRST, SECOND):
        await joins(desk, session, job_id)
        if job_id == FIRST:
            await desk.upload(job_id=FIRST)
    await leaves(desk, session)

    await post(desk, session, {**WHOLE, "job_id": SECOND} if named else WHOLE)

    assert await tokens(desk, session) == [240]
    await desk.upload(job_id=SECOND)
    assert await tokens(desk, session) == [240]


async def test_a_post_that_names_no_job_is_not_taken_for_a_later_agents() -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    await post(desk, session, WHOLE)
    await joins(desk, session, FIRST)
    await joins(desk, session, SECOND)

    await desk.upload(job_id=SECOND)
    assert await tokens(desk, session) == [240]
    await desk.upload(job_id=FIRST)
    assert await tokens(desk, session) == [240]


async def test_posts_that_name_their_jobs_are_apart_before_any_is_known() -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    for job_id in (FIRST, SECOND, FIRST, SECOND):
        await post(desk, session, {**WHOLE, "job_id": job_id})
    assert await tokens(desk, session) == [240]

    for job_id in (FIRST, SECOND):
        await joins(desk, session, job_id)
        await desk.upload(job_id=job_id)

    assert await tokens(desk, session) == [240]


async def test_items_without_a_job_and_a_report_that_names_it_are_one_report() -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    await post(desk, session, {"items": ITEMS})
    await post(desk, session, {**WHOLE, "job_id": FIRST})
    await joins(desk, session, FIRST)
    await desk.upload(job_id=FIRST)

    [report] = desk.ledger.reports.by_id.values()
    assert (report.room_sid, report.job_id) == (ROOM_SID, FIRST)
    assert await tokens(desk, session) == [120]


@attrs.define
class AtCommit:
    """Does something between the decision of the next unit of work and its commit."""

    desk: Desk
    act: Callable[[], Awaitable[Any]]
    is_done: bool = False
    begin: Any = None

    def __attrs_post_init__(self) -> None:
        self.begin = self.desk.ledger.unit_of_work
        self.desk.ledger.unit_of_work = self.unit_of_work

    def unit_of_work(self) -> MemoryUnitOfWork:
        work: MemoryUnitOfWork = self.begin()
        commit = work.commit

        async def late(*, urgent: bool = True) -> None:
            if not self.is_done:
                self.is_done = True
                await self.act()
            await commit(urgent=urgent)

        work.commit = late  # type: ignore[method-assign]
        return work


@pytest.mark.parametrize("first", ["post", "match", "upload"])
async def test_a_post_that_commits_while_the_report_is_matched_counts_once(first: str) -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    if first != "upload":
        await desk.upload(job_id=FIRST)

    async def matched() -> None:
        await joins(desk, session, FIRST)
        await (desk.upload(job_id=FIRST) if first == "upload" else desk.later(1))

    async def posted() -> None:
        """Its session was read before the job was known."""
        room_sid, job_id = stand_in(session)
        header = ReportHeader(room_sid=room_sid, job_id=job_id, summary=WHOLE)
        new = NewReport(header=header, items=items_of(ITEMS), transcript=Part.KEPT, session=session)
        await desk.keep_report(new)

    if first == "post":
        await joins(desk, session, FIRST)
        AtCommit(desk, posted)
        await desk.later(1)
    else:
        AtCommit(desk, matched)
        await posted()
    await desk.later(60)

    assert await tokens(desk, session) == [120]
    assert await desk.items(session) == TEXTS
    assert sorted(await desk.events()) == sorted(ANNOUNCED)


async def test_a_turn_counts_once_whichever_way_it_came() -> None:
    """The items are posted before the room is known; the upload comes before that, too."""
    desk = Desk()
    session = await desk.begin(new_session(created_at=NOON))
    for item in ITEMS:
        await post(desk, session, {"items": [item]})
    await desk.upload(job_id=FIRST)
    await joins(desk, session, FIRST)
    await desk.later(60)

    query = StatisticsQuery(since=NOON, until=NOON + timedelta(days=1))
    (found,) = await desk.ledger.statistics.read(query, SYSTEM)
    assert (found.turn_latency.count, found.turn_latency.total) == (1, 1100)


async def test_posts_at_once_are_one_report() -> None:
    desk = Desk()
    session = await desk.begin(new_session())

    await asyncio.gather(*(post(desk, session, WHOLE) for _ in range(4)))

    assert await tokens(desk, session) == [120]
