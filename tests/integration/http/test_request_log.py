"""A line for each request, which tells what it was about and shows nothing it should not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import attrs
import httpx
import pytest

from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import Service, running
from tests.simulator import SimulatorProcess

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NUMBER = "+15105550142"


@attrs.frozen
class Logged:
    client: httpx.Client
    service: Service

    def line(self, request_id: str) -> dict[str, Any]:
        """The request's line, once it is written."""
        found = eventually(
            lambda: [
                line
                for line in map(json.loads, self.service.output().splitlines())
                if line["event"] == "request" and line["request_id"] == request_id
            ],
            bool,
        )
        (line,) = found
        return dict(line)


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


def test_a_secret_in_a_room_s_name_is_not_told(logged: Logged) -> None:
    answer = logged.client.post("/session/end", json={"roomName": "eyJhbGciOi.eyJzdWIiOi.c2ln"})

    assert logged.line(answer.headers["x-request-id"])["roomName"] == "eyJ…"
