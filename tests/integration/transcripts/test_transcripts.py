"""GET …/transcript and GET /transcripts, and the same on the command line."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
import httpx
import pytest

from domain.access.access import SYSTEM
from domain.shared.identifiers import ReportId
from domain.shared.reported import Reported
from domain.transcripts.read_chat_history import items_of
from entrypoints.container import Container
from entrypoints.container import running as opened
from entrypoints.settings import load_settings
from tests.integration.cli.backend import Backend
from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import running
from tests.simulator import running_simulator

NO_ID: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
MANY: Final = 450
"""Items, which are streamed."""


@attrs.frozen
class Ledger:
    """A service with a short session, one with many items, a quiet one, and a call."""

    client: httpx.Client
    backend: Backend
    short: str
    long: str
    quiet: str
    call: Mapping[str, Any]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    folder = tmp_path_factory.mktemp("transcripts")
    with running_simulator() as simulator:
        simulator.register_worker("shreya-obnox")
        environ = {
            **simulator.environ,
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.db",
            "TELEPHONY_ENABLED": "true",
            "RECONCILE_INTERVAL_SECONDS": "86400",
        }
        with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
            short, long, quiet = (
                client.post("/session", json={"userIdentity": f"user-{n}"}).json()["sessionId"]
                for n in range(3)
            )
            caller = Caller(room="call-1", room_sid="RM_1", number="+15105550177")
            assert send(client, caller.joined()).status_code == 200
            call = eventually(
                lambda: client.get("/telephony/calls/by-room/call-1"),
                lambda answer: answer.status_code == 200 and answer.json()["sessionId"],
            ).json()
            said = {
                short: [
                    {"id": "1", "role": "user", "content": ["I want a <refund>"]},
                    {"id": "2", "role": "assistant", "content": ["Sure"], "interrupted": True,
                     "metrics": {"e2e_latency": 0.5}},
                    {"id": "3", "type": "function_call", "name": "pay", "arguments": "{}",
                     "call_id": "call_1"},
                ],
                long: [{"id": str(n), "content": f"word {n}"} for n in range(MANY)],
                call["sessionId"]: [{"id": "1", "role": "user", "content": "hello there"}],
            }  # fmt: skip
            asyncio.run(_keep(environ, folder, said))
            backend = Backend({**environ, "PORT": service.url.rpartition(":")[2]}, folder)
            yield Ledger(client, backend, short, long, quiet, call)


async def _keep(environ: dict[str, str], folder: Any, said: Mapping[str, Any]) -> None:
    async with opened(Container(settings=load_settings(environ, folder))) as container:
        for number, (session_id, history) in enumerate(said.items()):
            session = await container.read_sessions().by_id(session_id, SYSTEM)
            call_id = None if session.phone is None else session.phone.call_id
            reported = Reported(
                report_id=ReportId(str(uuid.UUID(int=number))),
                session_id=session.id,
                call_id=call_id,
            )
            began = session.created_at.timestamp()
            timed = [{"created_at": began + place, **item} for place, item in enumerate(history)]
            async with container.storage().unit_of_work() as work:
                await work.transcripts.keep(reported, items_of(timed))
                await work.commit()


def test_a_transcript_is_json_by_default(ledger: Ledger) -> None:
    answer = ledger.client.get(f"/sessions/{ledger.short}/transcript")

    assert answer.headers["content-type"] == "application/json"
    shown = answer.json()
    assert (shown["sessionId"], shown["callId"], shown["final"]) == (ledger.short, None, False)
    user, assistant, tool = shown["items"]
    assert (user["id"], user["type"], user["text"]) == ("1", "message", "I want a <refund>")
    assert (assistant["interrupted"], assistant["metrics"]) == (True, {"e2e_latency": 0.5})
    assert (tool["name"], tool["arguments"], tool["toolCallId"]) == ("pay", "{}", "call_1")


@pytest.mark.parametrize(
    ("suffix", "accept", "media_type", "begin"),
    [
        ("", "text/vtt", "text/vtt", "WEBVTT\n"),
        ("", "text/plain;q=0.9, application/json;q=0.1", "text/plain", "# session "),
        ("", "text/plain;q=0", "application/json", "{"),
        ("", "image/png", "application/json", "{"),
        ("", "*/*", "application/json", "{"),
        (".vtt", "application/json", "text/vtt", "WEBVTT\n"),
        (".txt", "", "text/plain", "# session "),
        (".json", "text/plain", "application/json", "{"),
    ],
)
def test_the_format_is_what_the_path_names_or_the_client_accepts(
    ledger: Ledger, suffix: str, accept: str, media_type: str, begin: str
) -> None:
    for path in (f"/sessions/{ledger.short}", f"/telephony/calls/{ledger.call['callId']}"):
        answer = ledger.client.get(f"{path}/transcript{suffix}", headers={"Accept": accept})

        assert answer.status_code == 200
        of_text = "; charset=utf-8" if media_type.startswith("text/") else ""
        assert answer.headers["content-type"] == f"{media_type}{of_text}"
        assert answer.text.startswith(begin)
        assert answer.headers["vary"] == "Accept"


def test_a_long_transcript_is_streamed_whole(ledger: Ledger) -> None:
    answer = ledger.client.get(f"/sessions/{ledger.long}/transcript")

    assert "content-length" not in answer.headers
    text = ledger.client.get(f"/sessions/{ledger.long}/transcript.txt")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert [item["text"] for item in answer.json()["items"]] == [f"word {n}" for n in range(MANY)]


def test_a_session_without_a_report_has_no_items(ledger: Ledger) -> None:
    answer = ledger.client.get(f"/sessions/{ledger.quiet}/transcript")

    assert answer.json() == {
        "sessionId": ledger.quiet, "callId": None, "items": [], "final": False,
    }  # fmt: skip


def test_an_unknown_session_or_call_is_not_found(ledger: Ledger) -> None:
    for path in (f"/sessions/{NO_ID}", "/sessions/x", f"/telephony/calls/{NO_ID}"):
        for suffix in ("", ".vtt"):
            assert ledger.client.get(f"{path}/transcript{suffix}").status_code == 404


def test_a_call_has_its_session_s_transcript(ledger: Ledger) -> None:
    shown = ledger.client.get(f"/telephony/calls/{ledger.call['callId']}/transcript").json()

    assert shown["callId"] == ledger.call["callId"]
    assert shown["sessionId"] == ledger.call["sessionId"]
    assert [item["text"] for item in shown["items"]] == ["hello there"]


def test_a_search_shows_where_it_found_the_words(ledger: Ledger) -> None:
    [found] = ledger.client.get("/transcripts", params={"q": "WANT refund"}).json()["results"]

    assert (found["sessionId"], found["callId"], found["itemId"]) == (ledger.short, None, "1")
    assert found["excerpt"] == "I <mark>want</mark> a &lt;<mark>refund</mark>&gt;"
    [found] = ledger.client.get("/transcripts?q=hello").json()["results"]
    assert found["callId"] == ledger.call["callId"]


def test_results_come_in_pages(ledger: Ledger) -> None:
    query = {"q": "word", "limit": "200", "sessionId": ledger.long}
    found: list[str] = []
    while True:
        page = ledger.client.get("/transcripts", params=query).json()
        found += [result["itemId"] for result in page["results"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]

    assert found == [str(n) for n in reversed(range(MANY))]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"), ("q=", "q"), ("q=%22%3F%22", "q"), ("q=ab*", "q"), ("q=" + "x" * 501, "q"),
        ("q=x&cursor=x", "cursor"), ("q=x&limit=0", "limit"), ("q=x&from=noon", "from"),
        ("q=x&to=1", "to"), ("q=x&sessionId=1", "sessionId"), ("q=x&callId=1", "callId"),
    ],
)  # fmt: skip
def test_a_bad_search_says_what_is_wrong(ledger: Ledger, query: str, field: str) -> None:
    answer = ledger.client.get(f"/transcripts?{query}")

    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_the_command_line_shows_and_searches_the_same(ledger: Ledger) -> None:
    shown = ledger.client.get(f"/sessions/{ledger.short}/transcript").json()
    [line] = ledger.backend.lines("transcripts", "show", ledger.short, "--format", "json")
    assert json.loads(line) == shown

    [_, first] = ledger.backend.lines("transcripts", "show", ledger.call["callId"])
    assert first.endswith("user: hello there")

    [row] = ledger.backend.lines("transcripts", "search", "want", "refund")
    assert row.split("\t")[-1] == "I want a <refund>"
