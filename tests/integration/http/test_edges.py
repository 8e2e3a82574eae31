"""Requests as no client library sends them: each answer is JSON, and none is a 500."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.access.test_limits import LIMIT, wait_for_enough_of_a_window
from tests.integration.http.webhooks import PATH, event, send
from tests.service import Service, running
from tests.simulator import SimulatorProcess


def answer(service: Service, request: bytes) -> tuple[int, bytes]:
    """The status and the body of what the service says to these bytes."""
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def request(line: str, *headers: str, host: str = "x") -> bytes:
    lines = [f"{line} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@pytest.mark.parametrize(
    "host", ["x:y", "x:99999", "x:-1", "[", "[::1", "]x[", "", "a:b:c", "\xff", "a@b:80/x?y#z"]
)
@pytest.mark.parametrize("line", ["GET /nothing", "PUT /session", "GET /sessions?limit=x"])
def test_whatever_host_is_named_a_refusal_is_json(
    memory_service: Service, host: str, line: str
) -> None:
    status, body = answer(memory_service, request(line, host=host))

    assert status in {400, 404, 405}
    assert set(json.loads(body)) >= {"error", "code", "requestId"}


@pytest.mark.parametrize("host", ["x:y", "x:99999", "[", ""])
@pytest.mark.parametrize("line", ["GET /", "GET /health", "GET /sessions"])
def test_whatever_host_is_named_a_route_answers(
    memory_service: Service, host: str, line: str
) -> None:
    status, body = answer(memory_service, request(line, host=host))

    assert status == 200
    assert json.loads(body)


@pytest.mark.parametrize(
    "line",
    [
        "GET http://x:y/nothing",
        "GET http://[::1]:1/nothing",
        "GET //[x/nothing",
        "GET /../../etc/passwd",
        "GET /%ff%fe",
        "GET /%00",
        "GET /%zz%2",
        "GET /%0d%0aX:%20y",
        "GET /%ed%a0%80",
        "GET /" + "a/" * 5000,
        "GET *",
        "OPTIONS *",
        "TRACE /health",
        "TRACE /nothing",
        "CONNECT x:443",
        "FOO /health",
        "get /health",
        "A" * 300 + " /health",
        "GET /sessions?cursor=%ff&limit=%00",
        "POST /session",
    ],
    ids=lambda line: line[:30],
)
def test_a_strange_request_is_refused_in_json(memory_service: Service, line: str) -> None:
    status, body = answer(memory_service, request(line))

    assert status in {400, 404, 405, 415}
    assert set(json.loads(body)) >= {"error", "code", "requestId"}


@pytest.mark.parametrize(
    "headers",
    [
        ("Transfer-Encoding: chunked", "", "zz"),
        ("Transfer-Encoding: chunked", "", "ffffffffffffffffff"),
        ("Content-Length: 9999999999999",),
        ("Content-Length: 2", "Expect: 200-maybe", "", "{}"),
    ],
    ids=str,
)
def test_a_strange_body_is_refused_in_json(
    memory_service: Service, headers: tuple[str, ...]
) -> None:
    line = "POST /session"
    status, body = answer(memory_service, request(line, "Content-Type: application/json", *headers))

    assert status in {400, 413}
    assert set(json.loads(body)) >= {"error", "code", "requestId"}


@pytest.fixture
def limited(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[httpx.Client]:
    """A service with a small limit, in production and without a key."""
    environ = {
        **simulator.environ,
        "APP_ENV": "production",
        "DATABASE_URL": "memory://",
        "RATE_LIMIT_PER_MINUTE": str(LIMIT),
    }
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        wait_for_enough_of_a_window()
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("PUT", "/session", 405),
        ("TRACE", "/health", 405),
        ("GET", "/sessions", 404),  # which production hides
        ("POST", PATH, 401),  # not signed by LiveKit
    ],
)
def test_what_is_refused_before_any_route_is_limited(
    limited: httpx.Client, method: str, path: str, status: int
) -> None:
    headers = {"Content-Type": "application/json", "Origin": "https://a.example"}

    answers = [limited.request(method, path, headers=headers) for _ in range(LIMIT + 1)]

    assert [answer.status_code for answer in answers] == [status] * LIMIT + [429]
    refused = answers[-1]
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["requestId"] == refused.headers["x-request-id"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == f'"default";q={LIMIT};w=60'
    assert refused.headers["access-control-allow-origin"] == "*"


def test_given_an_address_with_nothing_left_then_probes_and_livekit_are_answered(
    limited: httpx.Client,
) -> None:
    for _ in range(LIMIT + 1):
        last = limited.get("/nothing")

    assert last.status_code == 429
    assert limited.post("/session", json={"userIdentity": "ann"}).status_code == 429
    assert limited.get("/health").status_code == 200
    assert limited.get("/health/ready").status_code == 200
    assert send(limited, event("room_started")).status_code == 200
