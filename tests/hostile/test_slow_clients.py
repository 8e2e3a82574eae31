"""Who sends slowly, or nothing, holds nobody up and is cut off; who sends too much is told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import httpx
import psutil
import pytest

from tests.hostile.conftest import KEEP_ALIVE_SECONDS
from tests.hostile.few_files import FILES
from tests.integration.http.webhooks import eventually
from tests.service import Service

pytestmark = pytest.mark.slow

HEAD = b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def connect(service: Service) -> socket.socket:
    host, port = service.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def answer(connection: socket.socket) -> bytes:
    """What comes until the service closes the connection."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def serve_normally(service: Service, times: int = 20) -> None:
    """Some requests, each on a connection of its own, are answered within seconds."""
    for _ in range(times):
        assert httpx.get(f"{service.url}/health", timeout=10).status_code == 200
        posted = httpx.post(f"{service.url}/session", json={"userIdentity": "ann"}, timeout=10)
        assert posted.status_code == 200


@contextmanager
def dribbling(connections: list[socket.socket]) -> Iterator[None]:
    """A byte now and then on each of them."""
    stop = threading.Event()

    def dribble() -> None:
        while not stop.wait(0.5):
            for one in connections:
                with suppress(OSError):  # cut off, as it should be
                    one.send(b"a")

    thread = threading.Thread(target=dribble)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_headers_that_dribble_in_hold_nobody_up_and_end(strict: Service) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(connect(strict))) for _ in range(400)]
        for one in slow:
            one.sendall(HEAD + b"X-Slow: ")
        began = time.monotonic()
        with dribbling(slow):
            serve_normally(strict)
            for one in slow:
                with suppress(ConnectionResetError):  # a byte was still under way
                    assert answer(one) == b""
        assert KEEP_ALIVE_SECONDS - 1 < time.monotonic() - began < KEEP_ALIVE_SECONDS + 20


def test_bodies_that_dribble_in_hold_nobody_up_and_end(strict: Service) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(connect(strict))) for _ in range(200)]
        for one in slow:
            one.sendall(HEAD + b"Content-Length: 100000\r\n\r\n{")
        with dribbling(slow):
            serve_normally(strict)
            answers = [answer(one) for one in slow]
    # Sixteen large bodies of a client are received at a time; the others are not waited for.
    assert {told[:13] for told in answers} == {b"HTTP/1.1 408 ", b"HTTP/1.1 503 "}
    for told in answers:
        code = b"request_timeout" if told.startswith(b"HTTP/1.1 408 ") else b"overloaded"
        assert b'"code":"' + code in told


def test_who_says_nothing_is_not_listened_to_for_ever(strict: Service) -> None:
    with closing(connect(strict)) as silent, closing(connect(strict)) as kept:
        kept.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        began = time.monotonic()
        assert answer(silent) == b""
        assert answer(kept).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - began < KEEP_ALIVE_SECONDS + 10


def test_answers_that_nobody_takes_hold_nobody_up_and_end(strict: Service) -> None:
    (worker,) = strict.process.children()
    before = connections(worker)
    with ExitStack() as stack:
        for _ in range(100):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            host, port = strict.url.removeprefix("http://").split(":")
            one.connect((host, int(port)))
            one.sendall(b"GET /docs/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 60)
        eventually(lambda: connections(worker), lambda number: number >= before + 80)
        serve_normally(strict)
        eventually(lambda: connections(worker), lambda number: number < before + 20)
    serve_normally(strict, 1)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 200_000 + b"\r\n\r\n", b"431"),
        (b"GET /health HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(5000)) + b"\r\n",
         b"431"),
        (b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"4"),  # 414, or 431
    ],
    ids=["a long header", "many headers", "a long path"],
)  # fmt: skip
def test_headers_beyond_the_limit_are_refused(
    strict: Service, request_: bytes, status: bytes
) -> None:
    with closing(connect(strict)) as connection:
        threading.Thread(target=_send, args=(connection, request_)).start()
        assert connection.recv(65536).startswith(b"HTTP/1.1 " + status)
    serve_normally(strict, 1)


def _send(connection: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # it was refused before it was sent whole
        connection.sendall(data)


def test_with_no_file_left_who_is_in_is_served_and_who_comes_waits(narrow: Service) -> None:
    (worker,) = narrow.process.children()
    with ExitStack() as stack, httpx.Client(base_url=narrow.url, timeout=10) as first:
        assert first.get("/health").status_code == 200
        idle = [stack.enter_context(closing(connect(narrow))) for _ in range(FILES + 100)]
        eventually(lambda: connections(worker), lambda number: number >= FILES // 2)
        for _ in range(20):
            assert first.post("/session", json={"userIdentity": "ann"}).status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{narrow.url}/health", timeout=1)
        assert connections(worker) < FILES
        worker.cpu_percent()
        time.sleep(1)
        assert worker.cpu_percent() < 50  # it does not turn round and round either

        for one in idle:
            one.close()

        serve_normally(narrow)
    assert '"level":"error"' not in narrow.output()


def connections(worker: psutil.Process) -> int:
    return int(worker.num_fds())
