"""POST /observability/recordings/v0, and what else workers send, over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from livekit.agents import AgentSession
from livekit.agents.llm import ChatContext, FunctionCall, FunctionCallOutput
from livekit.agents.metrics import LLMModelUsage
from livekit.agents.telemetry.traces import _parse_retry_delay
from livekit.agents.voice.report import SessionReport

from tests.integration.http.webhooks import eventually
from tests.reports import ITEMS, OGG, a_header, an_upload, chat_history, multipart, worker_token
from tests.service import Service, running
from tests.simulator import SimulatorProcess

PATH = "/observability/recordings/v0"
FORM = "multipart/form-data; boundary=b7c1"
LIMIT = 2 * 1024 * 1024
NUMBERS = itertools.count()


@attrs.frozen
class Desk:
    """A service that workers report to, and the folder of its recordings."""

    service: Service
    client: httpx.Client
    recordings: Path

    def upload(
        self,
        *,
        token: str | None = None,
        body: bytes | None = None,
        form: str = FORM,
        **parts: bytes,
    ) -> httpx.Response:
        return self.client.post(
            PATH,
            content=multipart(*an_upload(**parts)) if body is None else body,
            headers={"Authorization": f"Bearer {token or worker_token()}", "Content-Type": form},
        )

    def session(self) -> tuple[str, str]:
        """A new session's id, and the sid of its room, in which its agent is."""
        room = f"reported-{next(NUMBERS)}"
        started = self.client.post("/session", json={"userIdentity": "ann", "roomName": room})
        session_id: str = started.json()["sessionId"]
        path = f"/sessions/{session_id}"
        session = eventually(lambda: self.client.get(path).json(), lambda found: found["roomSid"])
        return session_id, session["roomSid"]

    def files(self) -> list[bytes]:
        found = self.recordings.rglob("*")
        return [path.read_bytes() for path in found if path.is_file()]


@pytest.fixture(scope="module")
def desk(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    simulator_process.register_worker("shreya-obnox")
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.db",
        "RECORDINGS_URL": f"file://{folder}/recordings",
        "REPORT_MAX_BYTES": str(LIMIT),
        "RECONCILE_INTERVAL_SECONDS": "1",
    }
    with (
        running(environ, folder) as service,
        httpx.Client(base_url=service.url, timeout=60) as client,
    ):
        yield Desk(service, client, folder / "recordings")


def a_job() -> str:
    return f"AJ_{next(NUMBERS)}"


def verdict(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_upload_is_answered_once_it_is_in_the_ledger(desk: Desk) -> None:
    session_id, room_sid = desk.session()

    answer = desk.upload(header=a_header(room_sid=room_sid, job_id=a_job()))

    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["matched"], shown["transcript"], shown["audio"]) == (True, "kept", "kept")
    transcript = desk.client.get(f"/sessions/{session_id}/transcript").json()
    assert [item["text"] for item in transcript["items"]] == ["When do you open?", "At nine."]
    assert OGG in desk.files()


def test_a_report_of_an_unknown_room_is_kept_and_a_repetition_is_the_same(desk: Desk) -> None:
    header = a_header(room_sid="RM_nobody", job_id=a_job())

    first, again = desk.upload(header=header), desk.upload(header=header)

    assert first.json()["matched"] is False
    assert first.json() == again.json()


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        ("", (401, "invalid_worker_token")),
        ("no-jwt", (401, "invalid_worker_token")),
        (worker_token(secret="another-secret-of-thirty-two-characters"),
         (401, "invalid_worker_token")),
        (worker_token(key="another-key"), (401, "invalid_worker_token")),
        (worker_token(observability=False), (403, "observability_not_granted")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [PATH, "/observability/traces/otlp/v0"])
def test_without_a_workers_token_the_body_is_not_read(
    desk: Desk, path: str, token: str, refusal: tuple[int, str]
) -> None:
    """A body is announced and never sent."""
    with closing(connected(desk)) as client:
        client.sendall(head(path, token, "Content-Length: 1000000"))
        answer = client.makefile("rb").read()

    status, _, rest = answer.partition(b"\r\n")
    body = json.loads(rest.partition(b"\r\n\r\n")[2])
    assert (int(status.split()[1]), body["code"]) == refusal
    assert b"connection: close" in rest.lower()


def connected(desk: Desk) -> socket.socket:
    url = httpx.URL(desk.service.url)
    return socket.create_connection((url.host, url.port or 80), timeout=60)


def head(path: str, token: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Type: {FORM}", *headers]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        ({"form": "application/json"}, (400, "invalid_report")),
        ({"form": "multipart/form-data"}, (400, "invalid_report")),
        ({"body": b""}, (400, "invalid_report")),
        ({"body": b"no boundary at all"}, (400, "invalid_report")),
        ({"body": multipart(*an_upload()).replace(b"\r\n\r\n", b"", 1)}, (400, "invalid_report")),
        ({"body": multipart(("chat_history", chat_history(), ""))}, (400, "invalid_report")),
        ({"header": b"\xff\xff"}, (400, "invalid_report")),
        ({"header": a_header(room_sid="")}, (400, "invalid_report")),
        ({"header": a_header(job_id="A" * 200)}, (400, "invalid_report")),
        ({"header": bytes(1024 * 1024 + 1)}, (413, "body_too_large")),
        ({"audio": OGG + bytes(LIMIT)}, (413, "body_too_large")),
    ],
)
def test_what_is_no_report_is_refused_for_good(
    desk: Desk, sent: dict[str, Any], refusal: tuple[int, str]
) -> None:
    before = desk.files()

    answer = desk.upload(**sent)

    assert verdict(answer) == refusal
    assert _parse_retry_delay(answer.content) is None
    assert desk.files() == before


def test_a_part_whose_name_is_no_text_is_refused_in_a_sentence(desk: Desk) -> None:
    part = b'--b7c1\r\nContent-Disposition: form-data; name="\xff"\r\n\r\ny\r\n--b7c1--\r\n'

    answer = desk.upload(body=part)

    assert verdict(answer) == (400, "invalid_report")
    assert answer.json()["error"].endswith("multipart/form-data: Segment header failed to decode.")


@pytest.mark.parametrize("missing", [3, 20, 400, 2000])
def test_a_body_that_was_cut_short_on_its_way_is_asked_for_again(desk: Desk, missing: int) -> None:
    before = desk.files()

    answer = desk.upload(body=multipart(*an_upload())[:-missing])

    assert answer.status_code == 503
    assert _parse_retry_delay(answer.content)
    assert desk.files() == before


def test_unknown_parts_and_wrong_content_types_do_not_matter(desk: Desk) -> None:
    parts = an_upload(header=a_header(job_id=a_job()), video=bytes(100_000))
    body = multipart(*((name, content, "text/html") for name, content, _ in reversed(parts)))

    answer = desk.upload(body=body)

    assert (answer.status_code, answer.json()["audio"]) == (200, "kept")


def test_an_upload_without_a_length_comes_in_chunks(desk: Desk) -> None:
    body = multipart(*an_upload(header=a_header(job_id=a_job())))
    chunks = (body[start : start + 100] for start in range(0, len(body), 100))

    answer = desk.client.post(
        PATH,
        content=chunks,
        headers={"Authorization": f"Bearer {worker_token()}", "Content-Type": FORM},
    )

    assert (answer.status_code, answer.json()["transcript"]) == (200, "kept")


def test_a_client_that_goes_away_leaves_no_audio(desk: Desk) -> None:
    body = multipart(*an_upload(audio=OGG * 100))
    before = desk.files()
    with closing(connected(desk)) as client:
        client.sendall(head(PATH, worker_token(), f"Content-Length: {len(body)}") + body[:-200])

    eventually(desk.files, lambda files: files == before)
    time.sleep(0.2)
    assert desk.files() == before


def test_a_worker_posts_items_by_itself(desk: Desk) -> None:
    session_id, _ = desk.session()
    path = f"/sessions/{session_id}/report"
    worker = {"Authorization": f"Bearer {worker_token()}"}

    for item in ITEMS:
        posted = desk.client.post(path, json={"items": [item]}, headers=worker)
        assert (posted.status_code, posted.json()["items"]) == (200, 1)

    transcript = desk.client.get(f"/sessions/{session_id}/transcript").json()
    assert len(transcript["items"]) == 2
    unknown = desk.client.post(path.replace(session_id, session_id[::-1]), json={}, headers=worker)
    assert verdict(unknown) == (404, "not_found")
    assert verdict(desk.client.post(path, content=b"{}")) == (415, "unsupported_media_type")


def test_a_worker_posts_the_report_that_livekit_agents_makes(desk: Desk) -> None:
    session_id, room_sid = desk.session()
    said = ChatContext.empty()
    said.add_message(role="user", content="When do you open?", metrics={"transcription_delay": 0.2})
    call = {"call_id": "call_1", "name": "opening_hours"}
    said.insert(FunctionCall(**call, arguments='{"day": "today"}'))
    said.insert(FunctionCallOutput(**call, output="9", is_error=False))
    said.add_message(role="assistant", content="At nine.", metrics={"e2e_latency": 0.9})
    with closing(asyncio.new_event_loop()) as loop:
        options = AgentSession(loop=loop).options
    report = SessionReport(
        job_id=a_job(),
        room_id=room_sid,
        room="reported",
        options=options,
        events=[],
        chat_history=said,
        model_usage=[LLMModelUsage(provider="openai", model="gpt-4o-mini", input_tokens=120)],
        duration=4.0,
    )

    posted = desk.client.post(
        f"/sessions/{session_id}/report",
        json=report.to_dict(),
        headers={"Authorization": f"Bearer {worker_token()}"},
    )

    assert (posted.status_code, posted.json()["complete"]) == (200, True), posted.text
    items = desk.client.get(f"/sessions/{session_id}/transcript").json()["items"]
    assert [(item["type"], item["text"], item["createdAt"] is None) for item in items] == [
        ("message", "When do you open?", False),
        ("function_call", None, False),
        ("function_call_output", None, False),
        ("message", "At nine.", False),
    ]
    assert (items[1]["arguments"], items[2]["output"]) == ('{"day": "today"}', "9")
    assert items[3]["metrics"] == {"e2e_latency": 0.9}
    [model] = desk.client.get(f"/sessions/{session_id}/usage").json()["models"]
    assert (model["type"], model["model"], model["inputTokens"]) == ("llm", "gpt-4o-mini", 120)


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_telemetry_is_counted_and_dropped(desk: Desk, signal: str) -> None:
    worker = {"Authorization": f"Bearer {worker_token()}"}

    answer = desk.client.post(
        f"/observability/{signal}/otlp/v0",
        content=b"\x0a\x00",
        headers={**worker, "Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"},
    )

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-protobuf"
    counted = f'backend_worker_telemetry_total{{outcome="dropped",signal="{signal}"}} 1.0'
    assert counted in desk.client.get("/metrics").text
