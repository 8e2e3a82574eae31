"""A refusal sent before the request's body was read ends the connection (RFC 9112, 9.3 and 9.6)."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import attrs
import pytest

from tests.integration.http.webhooks import PATH
from tests.service import Service, running
from tests.simulator import SimulatorProcess

ANN, BEN = "ann-s-key-of-the-tests", "ben-s-key-of-the-tests"
LIMIT = 40  # more than what is refused here without a key
JSON = "Content-Type: application/json"
WHOLE = b'{"roomName": 7}'
BODIES = {
    "Content-Length: 1000": b"{",  # a part
    f"Content-Length: {len(WHOLE)}": WHOLE,
    "Transfer-Encoding: chunked": b"1\r\n{\r\n",
}
"""Header fields, and what is sent of the body that they announce."""


@attrs.frozen
class Refused:
    """What came back, and whether the service then ended the connection."""

    status: int
    headers: dict[str, str]
    ended: bool


@pytest.fixture(scope="module")
def service(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": "memory://",
        "API_KEYS": f"{ANN},{BEN}",
        "RATE_LIMIT_PER_MINUTE": str(LIMIT),
        "CORS_ALLOW_ORIGINS": "https://a.example",
    }
    with running(environ, tmp_path_factory.mktemp("service")) as service:
        yield service


def send(service: Service, line: str, *headers: str, body: bytes) -> Refused:
    """Send a request on a connection that may be used again, and read until the answer is whole.

    ``ended`` is whether the service closes the connection after it, rather than answer once more.
    """
    host, port = service.url.removeprefix("http://").split(":")
    head = "\r\n".join([f"{line} HTTP/1.1", "Host: x", *headers, "", ""]).encode()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head + body)
        reader = connection.makefile("rb")
        status = int(reader.readline().split()[1])
        fields = dict(iter(lambda: _field(reader.readline()), ("", "")))
        reader.read(int(fields["content-length"]))
        if fields.get("connection") == "close":
            return Refused(status, fields, ended=reader.read() == b"")
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        return Refused(status, fields, ended=reader.readline() == b"")


def _field(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").strip().partition(": ")
    return name.lower(), value


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        pytest.param("POST /nothing", (), 404, id="unknown path"),
        pytest.param("PUT /session", (), 405, id="wrong method"),
        pytest.param("POST /session", (), 401, id="no key"),
        pytest.param(f"POST {PATH}", (JSON,), 401, id="unsigned webhook"),
        pytest.param(f"POST {PATH}", ("Content-Type: a/b",), 415, id="type"),
        pytest.param(f"POST {PATH}", (JSON, "Content-Encoding: br"), 415, id="coding"),
        pytest.param(
            "OPTIONS /session",
            ("Origin: https://b.example", "Access-Control-Request-Method: POST"),
            400,
            id="origin",
        ),
    ],
)
@pytest.mark.parametrize("framing", BODIES)
def test_given_a_body_that_was_not_read_then_a_refusal_ends_the_connection(
    service: Service, line: str, headers: tuple[str, ...], status: int, framing: str
) -> None:
    refused = send(service, line, *headers, framing, body=BODIES[framing])

    assert (refused.status, refused.headers.get("connection")) == (status, "close")
    assert refused.ended


def test_given_a_body_that_is_too_large_then_it_is_not_read_to_its_end(service: Service) -> None:
    too_large = "Content-Length: 10000000"

    refused = send(service, "POST /session", JSON, f"X-API-Key: {BEN}", too_large, body=b"{" * 100)

    assert (refused.status, refused.headers.get("connection")) == (413, "close")
    assert refused.ended


def test_given_a_client_with_nothing_left_then_its_body_is_not_read(service: Service) -> None:
    headers = (JSON, f"X-API-Key: {ANN}", f"Content-Length: {len(WHOLE)}")
    requests = (send(service, "POST /session", *headers, body=WHOLE) for _ in range(3 * LIMIT))

    refused = next(refused for refused in requests if refused.status == 429)

    assert refused.headers.get("connection") == "close"
    assert refused.ended


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        pytest.param("POST /session", (f"Content-Length: {len(WHOLE)}",), 400, id="wrong body"),
        pytest.param("POST /session", ("Content-Length: 0",), 400, id="empty body"),
        pytest.param("GET /nothing", (), 404, id="no body"),
    ],
)
def test_given_no_body_or_one_that_was_read_then_the_connection_stays_open(
    service: Service, line: str, headers: tuple[str, ...], status: int
) -> None:
    body = WHOLE if f"Content-Length: {len(WHOLE)}" in headers else b""

    refused = send(service, line, f"X-API-Key: {BEN}", JSON, *headers, body=body)

    assert (refused.status, refused.headers.get("connection")) == (status, None)
    assert not refused.ended
