"""Usage, costs and statistics over HTTP and on the command line, of one ledger."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs
import httpx
import pytest

from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from domain.calls.call import Call
from domain.rooms.sip_leg import Direction
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.identifiers import ReportId
from domain.shared.reported import Reported
from domain.usage.model_usage import ModelUsage
from domain.usage.turn_latency import TurnLatency
from tests.contract.storage.ledgers import new_call, new_id, new_session
from tests.integration.cli.backend import Backend
from tests.service import running
from tests.simulator import SimulatorProcess

BEGUN: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRICES: Final = """
name: test-2026
currency: EUR
prices:
  - {model: openai/gpt-4o-mini, from: 2026-01-01, until: 2026-03-02, input: 1, output: 2.5}
"""
USED: Final = (
    ModelUsage(
        kind="llm", provider="api.openai.com", model="gpt-4o-mini",
        input_tokens=20_000, output_tokens=6_000, others={"new_counter": 3},
    ),
    ModelUsage(kind="stt", provider="deepgram", model="nova-3", audio_ms=90_500),
)  # fmt: skip
MONTH: Final = {"from": "2026-03-01", "to": "2026-04-01"}


@attrs.frozen
class Deployment:
    """A service, a command line beside it, and what is in their ledger."""

    http: httpx.Client
    backend: Backend
    session: Session
    call: Call


@pytest.fixture(scope="module")
def deployment(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("usage")
    (folder / "prices.yaml").write_text(PRICES)
    url = f"sqlite+aiosqlite:///{folder}/ledger.db"
    session = new_session(
        agent_name="=cmd|' /C calc'!A0",
        created_at=BEGUN,
        dispatched_at=BEGUN,
        agent_joined_at=BEGUN + timedelta(seconds=1),
        active_at=BEGUN + timedelta(seconds=1),
        status=SessionStatus.ENDED,
        ended_at=BEGUN + timedelta(seconds=91),
        end_reason=EndReason.ROOM_FINISHED,
    )
    call = new_call(
        joined_at=BEGUN,
        direction=Direction.INBOUND,
        session_id=session.id,
        seen_active_at=BEGUN,
        ended_at=BEGUN + timedelta(seconds=90),
    )
    asyncio.run(_fill(url, session, call))
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": url,
        "PRICES_FILE": f"{folder}/prices.yaml",
        # What is of no live room stays as it is.
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as http:
        yield Deployment(http, Backend(environ, folder), session, call)


async def _fill(url: str, session: Session, call: Call) -> None:
    await migrate(url)
    reported = Reported(report_id=ReportId(str(new_id())), session_id=session.id)
    async with SqlStorage(url) as storage, storage.unit_of_work() as work:
        await work.sessions.add(session)
        await work.sessions.add(new_session(created_at=BEGUN + timedelta(days=2)))
        await work.calls.add(call)
        await work.calls.add(new_call(joined_at=BEGUN, ended_at=BEGUN))
        await work.usage.keep(reported, USED)
        turns = [TurnLatency(item_id=str(ms), end_to_end_ms=ms) for ms in (700, 900)]
        await work.usage.keep_turns(reported, turns)
        await work.commit()


def test_the_usage_of_a_session_and_its_call_has_its_cost(deployment: Deployment) -> None:
    paths = (
        f"/sessions/{deployment.session.id}/usage",
        f"/telephony/calls/{deployment.call.id}/usage",
    )
    for path in paths:
        answer = deployment.http.get(path)

        assert answer.status_code == 200, answer.text
        llm, stt = answer.json()["models"]
        assert (llm["type"], llm["provider"], llm["model"]) == (
            "llm", "api.openai.com", "gpt-4o-mini",
        )  # fmt: skip
        assert (llm["inputTokens"], llm["outputTokens"]) == (20_000, 6_000)
        assert llm["others"] == {"new_counter": 3}
        assert stt["audioSeconds"] == 90.5
        assert answer.json()["cost"] == {
            "amountMinor": 4,
            "amount": "0.03500000",
            "currency": "EUR",
            "priceTable": "test-2026",
            "incomplete": True,
            "unpriced": ["deepgram/nova-3"],
        }


def test_without_a_report_nothing_was_used_and_without_a_record_there_is_nothing(
    deployment: Deployment,
) -> None:
    sessions = deployment.http.get("/sessions").json()["sessions"]
    answer = deployment.http.get(f"/sessions/{sessions[0]['sessionId']}/usage").json()
    assert answer["models"] == []
    assert (answer["cost"]["amountMinor"], answer["cost"]["incomplete"]) == (0, False)

    for path in (f"/sessions/{new_id()}/usage", "/sessions/x/usage"):
        assert deployment.http.get(path).json()["code"] == "not_found"
    assert deployment.http.get(f"/telephony/calls/{new_id()}/usage").status_code == 404


def test_statistics_add_up_what_happened(deployment: Deployment) -> None:
    answer = deployment.http.get("/statistics", params=MONTH)

    assert answer.status_code == 200, answer.text
    shown = answer.json()
    (group,) = shown.pop("groups")
    assert shown == {
        "from": "2026-03-01T00:00:00.000Z",
        "to": "2026-04-01T00:00:00.000Z",
        "timezone": "UTC",
        "groupBy": [],
    }
    # The reconciler ends the live one, which has no room, at some time.
    assert group.pop("liveSessions") + group.pop("unservedSessions") <= 1
    cost = group.pop("cost")
    assert (cost["amountMinor"], cost["unpriced"]) == (4, ["deepgram/nova-3"])
    assert group == {
        "sessions": 2,
        "calls": 2, "inboundCalls": 2, "outboundCalls": 0,
        "answeredCalls": 1, "answerRate": 0.5, "failedCalls": 0,
        "sessionSecondsP50": 90.0, "sessionSecondsP95": 90.0,
        "callSecondsP50": 90.0, "callSecondsP95": 90.0,
        "agentJoinMsP50": 1000, "agentJoinMsP95": 1000,
        "turnMsP50": 700, "turnMsP95": 900, "turns": 2,
        "inputTokens": 20_000, "cachedInputTokens": 0, "outputTokens": 6_000,
        "agentMinutes": 1.5, "callMinutes": 1.5,
    }  # fmt: skip


def test_each_day_of_the_range_is_a_group(deployment: Deployment) -> None:
    params = {"from": "2026-03-01", "to": "2026-03-04T00:00:00+00:00", "groupBy": "day"}
    groups = deployment.http.get("/statistics", params=params).json()["groups"]

    assert [(group["day"], group["sessions"]) for group in groups] == [
        ("2026-03-01", 1),
        ("2026-03-02", 0),
        ("2026-03-03", 1),
    ]


def test_as_csv_no_cell_is_a_formula(deployment: Deployment) -> None:
    params = {**MONTH, "groupBy": "agent,day"}
    plain = deployment.http.get("/statistics.csv", params=params)
    asked = deployment.http.get("/statistics", params=params, headers={"Accept": "text/csv"})

    assert plain.headers["content-type"].startswith("text/csv")
    assert "attachment" in plain.headers["content-disposition"]
    assert plain.text == asked.text
    assert plain.text.count("\r\n") == plain.text.count("\n")
    first, *_ = rows = list(csv.DictReader(io.StringIO(plain.text)))
    assert len(rows) == 3
    by_agent = {row["agentName"]: row for row in rows}
    assert by_agent["'=cmd|' /C calc'!A0"]["costMinor"] == "4"
    assert (first["agentName"], first["day"], first["calls"]) == ("", "2026-03-01", "1")
    # Where a semicolon separates cells, a text in quotes is one all the same.
    assert ""","'=cmd|' /C calc'!A0",""" in plain.text


def test_what_is_wrong_with_a_request_is_named(deployment: Deployment) -> None:
    for params, field in (
        ({"from": "2026-13-01"}, "from"),
        ({"from": "2026-03-01T00:00:00"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "0001-01-01"}, "from"),
        ({"from": "2026-03-01", "to": "2026-03-01"}, "to"),
        ({"from": "2025-03-01", "to": "2026-03-03"}, "from"),
        ({"groupBy": "day,weather"}, "groupBy"),
        ({"timezone": "Europe/Berlin"}, "timezone"),
    ):
        answer = deployment.http.get("/statistics", params=params)
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    wrong = deployment.http.get("/statistics", params={"from": "2026-02-30"}).json()
    assert wrong["error"].startswith("from must be a day, such as")


def test_the_command_line_shows_the_same(deployment: Deployment) -> None:
    backend, session = deployment.backend, deployment.session.id
    shown = deployment.http.get(f"/sessions/{session}/usage")
    assert backend.lines("usage", str(session), "--json") == [shown.text]
    lines = backend.lines("usage", str(session))
    assert "llm\tapi.openai.com\tgpt-4o-mini\tinputTokens\t20000" in lines
    assert "cost\t\t\tamountMinor\t4" in lines

    range_ = ("--from", "2026-03-01", "--to", "2026-04-01")
    answer = deployment.http.get("/statistics", params=MONTH)
    assert backend.lines("statistics", *range_, "--json") == [answer.text]
    table = deployment.http.get("/statistics.csv", params={**MONTH, "groupBy": "day"}).text
    printed = backend("statistics", *range_, "--by", "day", "--csv").output
    assert printed.splitlines() == table.splitlines()
    by_tenant = backend.lines("statistics", *range_, "--by", "tenant")
    assert [line.split("\t")[:2] for line in by_tenant] == [["", "2"]]
    assert "by must be one of day" in backend("statistics", "--by", "x").errors
    assert backend("statistics", "--csv", "--json").code == 2
