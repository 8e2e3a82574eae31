"""Reports find their sessions: at once, or when these become known."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.access import SYSTEM
from domain.agents.agent_config import AgentConfig
from domain.reports import keep_report
from domain.reports.choose_session import agent_of, choose_session
from domain.reports.find_session import find_session
from domain.reports.header import job_times
from domain.reports.keep_report import KeepReport
from domain.reports.report import Report
from domain.rooms.sip_leg import Direction
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.session import Session
from domain.shared.identifiers import CallId, ReportId, RoomName
from tests.contract.storage.ledgers import NOON, new_call, new_id, new_session
from tests.reports import JOB, OGG, ROOM_SID, SUMMARY
from tests.unit.reports.reported import ANNOUNCED, Desk

TEXTS = ["When do you open?", "At nine."]
MINUTE = timedelta(minutes=1)


async def learns_its_room(desk: Desk, session: Session) -> None:
    """The ledger sees the agent in the room instance."""
    async with desk.ledger.unit_of_work() as work:
        stored = await work.sessions.get(session.id, SYSTEM)
        assert stored is not None
        await work.sessions.save(stored.activated(ROOM_SID, desk.clock.now()))
        await work.commit()


async def test_a_report_that_comes_before_any_webhook_is_matched_within_seconds() -> None:
    desk = Desk()
    session = await desk.begin(new_session(tenant="ann"))
    report = await desk.upload()
    assert report.session_id is None
    assert await desk.items(session) == []

    await learns_its_room(desk, session)

    assert await desk.later(1) == 1
    assert await desk.items(session) == TEXTS
    assert await desk.events() == ANNOUNCED
    assert await desk.later(3600) == 0
    async with desk.ledger.unit_of_work() as work:
        [recording] = await work.recordings.of_session(session.id, SYSTEM)
    assert recording.tenant == "ann"


@pytest.mark.parametrize("when", ["while items come", "later"])
async def test_many_items_are_of_the_session_whenever_that_becomes_known(
    monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(keep_report, "AT_ONCE", 1)
    desk = Desk()
    session = await desk.begin(new_session(tenant="ann"))
    keep_ahead = KeepReport._keep_ahead

    async def then_learns(*arguments: Any) -> Any:
        ahead = await keep_ahead(*arguments)
        if when == "while items come":
            await learns_its_room(desk, session)
            monkeypatch.undo()
            monkeypatch.setattr(keep_report, "AT_ONCE", 1)
        return ahead

    monkeypatch.setattr(KeepReport, "_keep_ahead", then_learns)
    await desk.upload()
    if when == "later":
        assert await desk.items(session) == []
        await learns_its_room(desk, session)
        assert await desk.later(1) == 1

    assert await desk.items(session) == TEXTS
    assert await desk.events() == ANNOUNCED


async def test_others_have_their_turn_between_the_parts_of_a_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In memory nothing else waits, so one of 100,000 items would hold the event loop for 11 s."""
    monkeypatch.setattr(keep_report, "AT_ONCE", 1)
    desk = Desk()
    await desk.begin(new_session(room_sid=ROOM_SID))

    await desk.upload()

    assert desk.clock.slept == [timedelta()]


async def test_a_report_of_an_unknown_room_is_tried_ever_more_rarely() -> None:
    desk = Desk()
    await desk.upload()
    attempts = 0
    for _ in range(24 * 3600 // 10):
        desk.clock.advance(timedelta(seconds=10))
        attempts += await desk.match.is_due()
        await desk.match()

    assert 20 < attempts < 120
    assert await desk.ledger.prune_reports(desk.clock.now()) == 1


async def test_the_session_that_the_job_served_is_chosen_among_those_of_one_room() -> None:
    desk = Desk()
    served = await desk.begin(
        new_session(RoomName("a"), room_sid=ROOM_SID, agent_identity=agent_of(JOB))
    )
    await desk.begin(
        new_session(RoomName("b"), room_sid=ROOM_SID, created_at=NOON + timedelta(milliseconds=1))
    )

    assert (await desk.upload()).session_id == served.id


async def test_a_session_whose_room_instance_never_became_known_is_found_by_its_room() -> None:
    desk = Desk()
    session = await desk.begin(new_session(RoomName(SUMMARY["room"]), created_at=desk.clock.now()))
    assert (await desk.upload()).session_id is None

    matched = [await desk.later(seconds) for seconds in (30, 31, 10)]

    assert sum(matched) == 1
    assert matched[0] == 0
    assert await desk.items(session) == TEXTS


async def test_another_instance_of_the_room_is_not_meant() -> None:
    desk = Desk()
    await desk.begin(new_session(RoomName(SUMMARY["room"]), room_sid="RM_other"))

    await desk.upload()

    assert await desk.later(3600) == 0


async def test_the_call_of_the_session_is_known() -> None:
    desk = Desk()
    call_id = CallId(str(new_id()))
    phone = PhoneCorrelation(
        call_id=call_id, direction=Direction.INBOUND, caller_number="+1", called_number="+2"
    )
    await desk.begin(new_session(room_sid=ROOM_SID, phone=phone))

    assert (await desk.upload()).call_id == call_id


async def test_the_call_that_came_into_the_session_is_known() -> None:
    desk = Desk()
    call = new_call(room_name="support-7", room_sid=ROOM_SID)
    session = await desk.begin(new_session(RoomName("support-7"), room_sid=ROOM_SID))
    async with desk.ledger.unit_of_work() as work:
        await work.calls.add(attrs.evolve(call, session_id=session.id))
        await work.commit()

    assert (await desk.upload()).call_id == call.id


async def test_audio_of_a_session_that_opted_out_is_erased_when_it_is_matched() -> None:
    desk = Desk()
    config = AgentConfig.parse({"record": False})
    session = await desk.begin(new_session(agent_config=config))
    await desk.upload()
    await learns_its_room(desk, session)

    assert await desk.later(1) == 1

    async with desk.ledger.unit_of_work() as work:
        assert await work.recordings.of_session(session.id, SYSTEM) == []
    [marked] = await desk.ledger.recordings.marked(10)
    assert desk.store is not None
    assert desk.store.objects[marked.key] == OGG
    assert await desk.events() == ANNOUNCED[:2]


async def test_audio_that_was_erased_before_its_session_was_known_is_not_announced() -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    await desk.upload()
    far = desk.clock.now() + timedelta(days=99)
    assert await desk.ledger.recordings.mark_ownerless(far, far) == 1
    await learns_its_room(desk, session)

    assert await desk.later(1) == 1

    assert await desk.events() == ANNOUNCED[:2]


async def test_a_report_is_matched_once_by_several_processes() -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    await desk.upload()
    await learns_its_room(desk, session)
    desk.clock.advance(timedelta(seconds=1))

    matched = await asyncio.gather(*(desk.match() for _ in range(3)))

    assert sum(matched) == 1
    assert await desk.events() == ANNOUNCED


async def test_a_report_that_cannot_be_matched_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    bad = await desk.upload(room_sid="RM_bad")
    await desk.upload()
    await learns_its_room(desk, session)

    async def find(work: Any, report: Report, now: Any) -> Session | None:
        if report.id == bad.id:
            raise ValueError
        return await find_session(work, report, now)

    monkeypatch.setattr("domain.reports.match_reports.find_session", find)
    monkeypatch.setattr("domain.reports.match_reports.AT_ONCE", 1)

    for _ in range(2):
        with suppress(ValueError):
            await desk.later(1)

    assert await desk.items(session) == TEXTS


@given(
    created=st.lists(st.integers(-100, 100), max_size=4, unique=True),
    served=st.integers(0, 5),
    known=st.integers(-100, 100),
)
def test_any_candidates(created: list[int], served: int, known: int) -> None:
    """The job's own session wins; else one that had begun; else any."""
    sessions = [
        new_session(
            created_at=NOON + number * MINUTE,
            room_sid=ROOM_SID,
            agent_identity=agent_of(JOB) if place == served else None,
        )
        for place, number in enumerate(created)
    ]

    found = choose_session(sessions, JOB, NOON + known * MINUTE)

    assert (found is None) == (not sessions)
    if found is not None and served < len(sessions):
        assert found == sessions[served]
    elif found is not None and any(number <= known + 1 for number in created):
        on_time = [number for number in created if number <= known]
        before = max(on_time) if on_time else known + 1
        assert found.created_at == NOON + before * MINUTE


def test_a_session_that_another_job_serves_is_not_chosen() -> None:
    theirs = new_session(tenant="ann", room_sid=ROOM_SID)
    others = new_session(
        tenant="ben",
        room_sid=ROOM_SID,
        agent_identity=agent_of("AJ_other"),
        created_at=NOON + MINUTE / 2,
    )

    assert choose_session([theirs, others], JOB, NOON) == theirs
    assert choose_session([others], JOB, NOON) == others  # its agent was replaced


@pytest.mark.parametrize("agent", [None, agent_of("AJ_other")])
def test_of_sessions_of_several_tenants_none_is_chosen_without_proof(agent: str | None) -> None:
    one, another = (
        new_session(tenant=tenant, room_sid=ROOM_SID, agent_identity=agent)
        for tenant in ("ann", "ben")
    )

    assert choose_session([one, another], JOB, NOON) is None
    proven = attrs.evolve(another, agent_identity=agent_of(JOB))
    assert choose_session([one, proven], JOB, NOON) == proven


@pytest.mark.parametrize(
    ("summary", "began", "made"),
    [
        ({}, 0, 0),
        ({"timestamp": (NOON - MINUTE).timestamp()}, -60, -60),
        ({"timestamp": (NOON - MINUTE).timestamp(), "duration_ms": 5000}, -65, -60),
        ({"timestamp": (NOON + MINUTE).timestamp()}, 0, 0),
        ({"timestamp": 1e300, "duration_ms": -1}, 0, 0),
        ({"timestamp": True, "duration_ms": "5"}, 0, 0),
        ({"timestamp": 0, "duration_ms": 10**18}, 0, 0),
    ],
)
def test_a_workers_clock_is_believed_within_reason(
    summary: dict[str, object], began: int, made: int
) -> None:
    times = job_times(summary, NOON)

    assert [round((time - NOON).total_seconds()) for time in times] == [began, made]


def test_waiting_grows_to_an_hour() -> None:
    report = Report(id=ReportId(str(new_id())), room_sid="RM", job_id="AJ", received_at=NOON)
    waits = [
        (report.tried(NOON + age).retry_at or NOON) - (NOON + age)
        for age in (timedelta(), MINUTE, timedelta(days=9))
    ]
    assert waits == [timedelta(seconds=1), timedelta(seconds=6), timedelta(hours=1)]
