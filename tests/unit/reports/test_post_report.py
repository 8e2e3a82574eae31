"""What workers post by themselves."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from domain.access.access import SYSTEM, Access
from domain.reports.choose_session import agent_of
from domain.reports.post_report import Posted, PostReportCommand
from domain.sessions.session import Session
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.report_errors import InvalidReport, ReportTooLarge
from tests.contract.storage.ledgers import access_of, new_session
from tests.reports import ITEMS, JOB, ROOM_SID, SUMMARY
from tests.unit.reports.reported import ANNOUNCED, Desk

TEXTS = ["When do you open?", "At nine."]
REPORT = {
    **SUMMARY, "job_id": JOB, "room_id": ROOM_SID, "chat_history": {"items": ITEMS}, "events": [],
}  # fmt: skip


async def post(desk: Desk, session: Session, report: Any, access: Access = SYSTEM) -> Posted:
    body = report if isinstance(report, bytes) else json.dumps(report).encode()
    read = await desk.post.read(body)
    command = PostReportCommand(session_id=str(session.id), report=read, access=access)
    return await desk.post(command)


async def served(desk: Desk, **changes: Any) -> Session:
    session = new_session(room_sid=ROOM_SID, agent_identity=agent_of(JOB), **changes)
    return await desk.begin(session)


async def test_items_of_a_running_session_are_seen_at_once_and_announced_at_the_end() -> None:
    desk = Desk()
    session = await served(desk)

    for item in ITEMS:
        posted = await post(desk, session, {"items": [item]})
        assert (posted.items, posted.report.is_complete) == (1, False)
    assert await desk.items(session) == TEXTS
    assert await desk.events() == []

    await desk.upload()

    assert await desk.items(session) == TEXTS
    assert await desk.events() == ANNOUNCED
    assert len(desk.ledger.reports.by_id) == 1


async def test_an_item_that_comes_again_is_replaced() -> None:
    desk = Desk()
    session = await served(desk)
    await post(desk, session, {"items": ITEMS})

    await post(desk, session, {"items": [{**ITEMS[1], "content": ["At ten."]}]})

    assert await desk.items(session) == [TEXTS[0], "At ten."]


async def test_a_whole_report_is_complete_and_changes_nothing_the_second_time() -> None:
    desk = Desk()
    session = await served(desk)

    for _ in range(2):
        posted = await post(desk, session, REPORT)
        assert (posted.items, posted.report.is_complete) == (2, True)

    assert await desk.items(session) == TEXTS
    assert await desk.events() == ANNOUNCED[:2]


async def test_items_after_the_whole_report_are_added_without_a_new_announcement() -> None:
    desk = Desk()
    session = await served(desk)
    await desk.upload()

    await post(desk, session, {"items": [{**ITEMS[0], "id": "late", "created_at": 1795789099}]})

    assert await desk.items(session) == [*TEXTS, TEXTS[0]]
    assert await desk.events() == ANNOUNCED


async def test_items_of_a_session_whose_agent_is_not_known_are_kept() -> None:
    desk = Desk()
    session = await desk.begin(new_session())

    await post(desk, session, {"items": ITEMS})

    assert await desk.items(session) == TEXTS


async def test_another_tenants_session_is_not_there() -> None:
    desk = Desk()
    session = await served(desk, tenant="ann")

    with pytest.raises(NotFound):
        await post(desk, session, REPORT, access_of("ben"))

    assert await desk.items(session) == []


async def test_a_tenant_does_not_reach_another_tenants_report_by_naming_its_job() -> None:
    desk = Desk()
    theirs = await served(desk, tenant="ann")
    await desk.upload()
    mine = await desk.begin(new_session(room_sid=ROOM_SID, tenant="ben"))

    await post(desk, mine, {**REPORT, "chat_history": {"items": [{**ITEMS[0], "id": "x"}]}})

    assert await desk.items(theirs) == TEXTS
    assert await desk.items(mine) == TEXTS[:1]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", InvalidReport),
        (b"[]", InvalidReport),
        (b"\xff", InvalidReport),
        (b'{"items": 7}', InvalidInput),
    ],
)
async def test_what_is_no_report_is_refused(body: bytes, error: type[Exception]) -> None:
    desk = Desk()
    session = await served(desk)

    with pytest.raises(error):
        await post(desk, session, body)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"items": [{}] * 10_001}).encode(),
        json.dumps({"chat_history": {"items": [{}] * 6_000}, "items": [{}] * 6_000}).encode(),
        b'{"items": [' + b"{}," * 2_600_000 + b"{}]}",
        b'{"x": [' + b"[]," * 300_000 + b"0]}",
    ],
    ids=["items", "of both", "8 MiB of items", "values"],
)
async def test_more_than_is_stored_at_a_time_is_refused_before_it_is_stored(body: bytes) -> None:
    desk = Desk()
    session = await served(desk)

    with pytest.raises(ReportTooLarge):
        await post(desk, session, body)

    assert await desk.items(session) == []


async def tokens(desk: Desk, session: Session) -> list[int | None]:
    async with desk.ledger.unit_of_work() as work:
        return [each.input_tokens for each in await work.usage.of_session(session.id, SYSTEM)]


async def learns_its_job(desk: Desk, session: Session, job_id: str = JOB) -> None:
    async with desk.ledger.unit_of_work() as work:
        stored = await work.sessions.get(session.id, SYSTEM)
        assert stored is not None
        known = stored.activated(ROOM_SID, desk.clock.now())
        await work.sessions.save(attrs.evolve(known, agent_identity=agent_of(job_id)))
        await work.commit()


@pytest.mark.parametrize("again", ["post", "upload", "upload before", "agent gone"])
@pytest.mark.parametrize("named", [True, False])
async def test_a_report_counts_once_although_its_room_becomes_known_only_later(
    again: str, *, named: bool
) -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    report = REPORT if named else {key: REPORT[key] for key in ("usage", "chat_history")}
    if again == "upload before":
        await desk.upload()
    if again == "agent gone":
        await learns_its_job(desk, session)
        await desk.upload()
        async with desk.ledger.unit_of_work() as work:
            stored = await work.sessions.get(session.id, SYSTEM)
            await work.sessions.save(attrs.evolve(stored, agent_identity=None))
            await work.commit()
    await post(desk, session, report)

    await learns_its_job(desk, session)
    if again == "upload":
        await desk.upload()
    else:
        await post(desk, session, report)
    await desk.later(60)

    assert await tokens(desk, session) == [120]
    assert await desk.items(session) == TEXTS
    expected = ANNOUNCED[:2] if again == "post" else ANNOUNCED
    assert sorted(await desk.events()) == sorted(expected)


async def test_another_job_of_the_session_has_a_report_of_its_own() -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    await post(desk, session, {**REPORT, "job_id": "AJ_first"})
    await learns_its_job(desk, session)

    await desk.upload()

    assert await tokens(desk, session) == [240]


async def test_of_the_summary_only_what_is_read_later_is_kept() -> None:
    desk = Desk()
    session = await served(desk)
    deep: Any = "What was said"
    for _ in range(800):
        deep = [deep]

    posted = await post(desk, session, {**REPORT, "note": "My number is 5", "usage": [deep]})

    kept = {"room": "support-7", "room_id": ROOM_SID, "job_id": JOB, "duration_ms": 4000}
    assert json.loads(posted.report.summary) == {**kept, "sdk_version": "1.8.9"}


@pytest.mark.parametrize("field", ["room", "timestamp", "duration_ms", "sdk_version"])
async def test_a_strange_summary_is_kept_as_far_as_it_can_be(field: str) -> None:
    desk = Desk()
    session = await served(desk)
    strange: Any
    for strange in ("\x00" * 5000, 10**400, [[]], {}, True, None, "\ud800"):
        await post(desk, session, {**REPORT, field: strange, "job_id": "AJ_other"})

    [report] = desk.ledger.reports.by_id.values()
    assert len(report.summary) < 8000
    assert "\x00" not in report.room_name


async def test_a_number_beyond_any_double_costs_nothing_else() -> None:
    desk = Desk()
    session = await served(desk)
    item = {**ITEMS[0], "metrics": {"e2e_latency": 10**400}, "other": [10**400]}

    await post(desk, session, {"items": [item]})

    assert await desk.items(session) == TEXTS[:1]


async def test_whatever_python_writes_as_json_is_read() -> None:
    desk = Desk()
    session = await served(desk)
    body = b'{"items": [{"id": "a", "type": "message", "role": "user", "content": ["\\ud800"],'

    await post(desk, session, body + b' "metrics": {"e2e_latency": NaN}}, 7, "x"]}')

    assert len(await desk.items(session)) == 1
