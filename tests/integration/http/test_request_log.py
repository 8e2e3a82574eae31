"""A line for each request, which tells what it was about and shows nothing it should not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from tests.databases import sqlite_in
from tests.integration.http.webhooks import (
    MEDIA_TYPE,
    PATH,
    Caller,
    eventually,
    impossible_event,
    send,
    token,
)
from tests.service import Service, running
from tests.simulator import SimulatorProcess

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NUMBER = "+15105550142"


@attrs.frozen
class Logged:
    client: httpx.Client
    service: Service

    def lines(self, event: str) -> list[dict[str, Any]]:
        """What was logged by this name so far."""
        lines = map(json.loads, self.service.output().splitlines())
        return [dict(line) for line in lines if line["event"] == event]

    def line(self, request_id: str) -> dict[str, Any]:
        """The request's line, once it is written."""
        (line,) = eventually(
            lambda: [line for line in self.lines("request") if line["request_id"] == request_id],
            bool,
        )
        return line


@pytest.fixture(scope="module")
def logged(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Logged]:
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": "memory://",
        "TELEPHONY_ENABLED": "true",
        "LOG_LEVEL": "debug",
    }
    folder = tmp_path_factory.mktemp("logged")
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
        yield Logged(client, service)


def test_a_session_s_line_says_which_session_and_room_and_how_long_it_took(
    logged: Logged,
) -> None:
    secret = "a-prompt-that-is-nobody-s-business"
    body = {"userIdentity": "ann", "agentConfig": {"prompt": secret}}
    answer = logged.client.post("/session", json=body)

    line = logged.line(answer.headers["x-request-id"])

    assert (line["method"], line["route"], line["status"]) == ("POST", "/session", 200)
    assert line["sessionId"] == answer.json()["sessionId"]
    assert line["roomName"] == answer.json()["roomName"]
    assert 0 < line["duration_ms"] < 60_000
    assert line["level"] == "info"
    everything = logged.service.output()
    assert secret not in everything
    assert answer.json()["userToken"] not in everything


def test_a_path_s_parameters_are_told_and_its_query_is_not(logged: Logged) -> None:
    call_id = str(uuid.uuid4())
    one = logged.client.get(f"/telephony/calls/{call_id}")
    many = logged.client.get("/sessions", params={"userIdentity": "a-secret-identity"})

    assert logged.line(one.headers["x-request-id"])["callId"] == call_id
    line = logged.line(many.headers["x-request-id"])
    assert (line["route"], line["status"]) == ("/sessions", 200)
    assert "a-secret-identity" not in json.dumps(line)


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/nothing/+15105550142", "unmatched", 404),
        ("PUT", "/session", "unmatched", 405),
        ("POST", "/session", "/session", 400),
        ("BREW", "/session", "unmatched", 405),
    ],
)
def test_a_refused_request_has_its_line_too(
    logged: Logged, method: str, path: str, route: str, status: int
) -> None:
    answer = logged.client.request(method, path)

    assert answer.status_code == status
    line = logged.line(answer.headers["x-request-id"])
    assert (line["method"], line["route"], line["status"]) == (method, route, status)


def test_probes_that_succeed_are_told_at_debug_only(logged: Logged) -> None:
    answer = logged.client.get("/health")

    assert logged.line(answer.headers["x-request-id"])["level"] == "debug"


def test_a_call_s_room_is_told_without_its_number(logged: Logged) -> None:
    room = f"call-_{NUMBER}_x"
    assert send(logged.client, Caller(room=room, room_sid="RM_1", number=NUMBER).left()).is_success
    answer = eventually(
        lambda: logged.client.get(f"/telephony/calls/by-room/{room}"), lambda one: one.is_success
    )

    assert logged.line(answer.headers["x-request-id"])["roomName"] == "call-_+…42_x"
    assert NUMBER[1:] not in logged.service.output()


@pytest.mark.parametrize(
    ("traceparent", "trace"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"00-{TRACE}-00f067aa0ba902b7-00", TRACE),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"cc-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-holds", TRACE),
        (f"cc-{TRACE}-00f067aa0ba902b7-01.what", None),
        (f"00-{TRACE}-00f067aa0ba902b7-01-what", None),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7", None),
        ("", None),
    ],
)
def test_a_trace_is_followed_if_it_is_one(
    logged: Logged, traceparent: str, trace: str | None
) -> None:
    answer = logged.client.get("/sessions", headers={"traceparent": traceparent})

    assert logged.line(answer.headers["x-request-id"]).get("trace_id") == trace


def test_of_two_traces_neither_is_followed(logged: Logged) -> None:
    parents = [f"00-{trace}-00f067aa0ba902b7-01" for trace in (TRACE, TRACE[::-1])]
    headers = [("traceparent", parent) for parent in parents]

    answer = logged.client.get("/sessions", headers=headers)

    assert "trace_id" not in logged.line(answer.headers["x-request-id"])


def test_a_trace_goes_on_where_its_webhook_is_handled(logged: Logged) -> None:
    trace = TRACE[::-1]
    body = impossible_event()
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Authorization": token(body),
        "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
    }
    assert logged.client.post(PATH, content=body, headers=headers).is_success

    (first, *_) = eventually(lambda: logged.lines("event failed"), bool)

    assert first["trace_id"] == trace


def test_why_a_request_failed_is_told_with_its_route_and_trace(
    logged: Logged, simulator: SimulatorProcess
) -> None:
    simulator.fault("CreateDispatch", "error", status=403)
    answer = logged.client.post(
        "/session",
        json={"userIdentity": "ann"},
        headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
    )
    simulator.no_faults()

    logged.line(answer.headers["x-request-id"])
    (line,) = logged.lines("request failed")

    assert (line["route"], line["trace_id"]) == ("/session", TRACE)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert "path" not in line


def test_what_callers_send_makes_no_long_lines(logged: Logged) -> None:
    long = "r" * 500_000
    answers = [
        logged.client.post("/session/end", json={"roomName": long}),
        logged.client.get(f"/sessions/by-room/{long[:15_000]}"),
    ]

    for answer in answers:
        assert len(logged.line(answer.headers["x-request-id"])["roomName"]) == 256


def test_a_log_that_cannot_be_written_stops_no_work(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {
        **simulator.environ,
        "DATABASE_URL": sqlite_in(tmp_path),
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "0.3",
    }
    with running(environ, tmp_path, log=Path("/dev/full")) as service:
        with httpx.Client(base_url=service.url) as client:
            assert client.post("/session", json={"userIdentity": "ann"}).status_code == 200
            for room in ("first", "second"):  # each is told of in the log
                sip = {"identity": "sip_1", "kind": "SIP"}
                simulator.make_rooms([{"name": room, "participants": [sip]}])
                look = partial(client.get, f"/telephony/calls/by-room/{room}")
                eventually(look, lambda answer: answer.is_success)
                simulator.close_room(room)
        assert service.stop() == 0


def test_a_secret_in_a_room_s_name_is_not_told(logged: Logged) -> None:
    answer = logged.client.post("/session/end", json={"roomName": "eyJhbGciOi.eyJzdWIiOi.c2ln"})

    assert logged.line(answer.headers["x-request-id"])["roomName"] == "eyJ…"
