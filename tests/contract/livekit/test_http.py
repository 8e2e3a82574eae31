"""The pool of connections to LiveKit, against a server that says what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
import uvloop

from adapters.livekit import http
from adapters.livekit.http import Broken, HttpPool, NotConnected, Response
from tests.livekit_server import free_port

SECOND = timedelta(seconds=1)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@attrs.define
class Scripted:
    """Answers each request with what ``answers`` has next, at ``url``."""

    url: str
    answers: list[bytes]
    requests: list[bytes] = attrs.field(factory=list)
    connections: int = 0
    answering: asyncio.Event = attrs.field(factory=asyncio.Event)
    hang_up: Callable[[], bool] = lambda: False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                await self.answering.wait()
                for piece in self.answers.pop(0).split(b"|"):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.005)
                if self.hang_up():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted(
    *answers: bytes, tls: ssl.SSLContext | None = None, host: str = "localhost"
) -> AsyncIterator[Scripted]:
    script = Scripted("", list(answers))
    script.answering.set()
    server = await asyncio.start_server(script.serve, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    script.url = f"{'https' if tls else 'http'}://localhost:{port}/base/"
    async with server:
        yield script


@asynccontextmanager
async def pool_to(url: str, connections: int = http.CONNECTIONS) -> AsyncIterator[HttpPool]:
    pool = HttpPool(url, SECOND, 20 * SECOND, connections)
    yield pool
    pool.close()
    await asyncio.sleep(0.01)


async def test_requests_one_after_the_other_share_a_connection() -> None:
    async with scripted(OK, OK) as server, pool_to(server.url) as pool:
        for body in (b"one", b""):
            assert await pool.post("/path", {"x-header": "value"}, body) == Response(200, b"ok")

    assert server.connections == 1
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    port = server.url.split(":")[2].split("/")[0]
    assert head.splitlines() == [
        b"POST /base/path HTTP/1.1",
        f"Host: localhost:{port}".encode(),
        b"x-header: value",
        b"content-length: 3",
    ]
    assert body == b"one"


async def test_requests_at_the_same_time_have_a_connection_each() -> None:
    async with scripted(*[OK] * 5) as server, pool_to(server.url) as pool:
        answers = await asyncio.gather(*(pool.post("/", {}, b"x") for _ in range(5)))

    assert [answer.status for answer in answers] == [200] * 5
    assert server.connections == 5


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno", Response(404, b"no")),
        (b"HTTP/1.1 200 OK\r\ncontent-le|ngth: 4\r\n\r\nin| 2", Response(200, b"in 2")),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n|1\r\nd\r\n0\r\n\r\n",
            Response(200, b"abcd"),
        ),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n|" + OK, Response(200, b"ok")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Response(204, b"")),
    ],
    ids=["an error", "in pieces", "in chunks", "after an interim one", "without a body"],
)
async def test_an_answer(sent: bytes, expected: Response) -> None:
    async with scripted(sent, OK) as server, pool_to(server.url) as pool:
        assert await pool.post("/", {}, b"") == expected
        assert await pool.post("/", {}, b"") == Response(200, b"ok")

    assert server.connections == 1


async def test_an_answer_has_its_headers_and_none_of_an_interim_one() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nlocation: https://early.example\r\n\r\n"
    final = b"HTTP/1.1 308 Moved\r\nContent-Type: text/html\r\ncontent-length: 0\r\n\r\n"
    async with scripted(interim + final, OK) as server, pool_to(server.url) as pool:
        assert await pool.post("/", {}, b"") == Response(308, b"", "text/html", "")
        assert await pool.post("/", {}, b"") == Response(200, b"ok")


async def test_a_server_that_switches_protocols_breaks_the_connection() -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n?"
    async with scripted(switch) as server, pool_to(server.url) as pool:
        with pytest.raises(Broken, match="not HTTP"):
            await pool.post("/", {}, b"")


@asynccontextmanager
async def black_hole(host: str, port: int) -> AsyncIterator[None]:
    """An address at which connections are neither accepted nor refused."""
    with contextlib.ExitStack() as sockets:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        full = sockets.enter_context(socket.create_server((host, port), family=family, backlog=0))
        for _ in range(3):  # more than its backlog takes: the kernel leaves the next one waiting
            client = sockets.enter_context(socket.socket(family))
            client.settimeout(0)
            client.connect_ex(full.getsockname())
        yield


def resolving(
    name: str, hosts: Sequence[str], loop: asyncio.AbstractEventLoop
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """The loop's ``getaddrinfo``, for which ``name`` has the addresses ``hosts``."""
    real = loop.getaddrinfo

    async def getaddrinfo(host: str, port: int, **options: Any) -> Any:
        if host != name:
            return await real(host, port, **options)
        families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in hosts]
        return [
            (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (one, port))
            for family, one in zip(families, hosts, strict=True)
        ]

    return getaddrinfo


@pytest.mark.parametrize("first", ["127.0.0.2", "::1"])
@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"])
def test_given_the_first_address_swallows_packets_then_the_next_one_is_used(
    first: str, loop_kind: str
) -> None:
    async def ask() -> Response:
        async with scripted(OK, host="127.0.0.1") as server:
            port = int(server.url.split(":")[2].split("/")[0])
            loop = asyncio.get_running_loop()
            resolver = resolving("two.test", [first, "127.0.0.1"], loop)
            loop.getaddrinfo = resolver  # type: ignore[method-assign]
            async with black_hole(first, port), pool_to(f"http://two.test:{port}") as pool:
                return await pool.post("/", {}, b"")

    factory = uvloop.new_event_loop if loop_kind == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        assert runner.run(ask()) == Response(200, b"ok")


async def test_given_every_address_swallows_packets_then_the_connect_limit_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
    async with contextlib.AsyncExitStack() as holes:
        port = free_port()
        for host in hosts:
            await holes.enter_async_context(black_hole(host, port))
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", resolving("three.test", hosts, loop))
        pool = HttpPool(f"http://three.test:{port}", timedelta(seconds=0.6), SECOND * 30)
        with pytest.raises(NotConnected, match="TimeoutError"):
            async with asyncio.timeout(10):
                await pool.post("/", {}, b"")


async def test_a_connection_that_the_server_ends_is_not_used_again() -> None:
    last = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    async with scripted(last, OK, OK) as server, pool_to(server.url) as pool:
        await pool.post("/", {}, b"")
        server.hang_up = lambda: True
        await pool.post("/", {}, b"")
        await asyncio.sleep(0.05)  # for the end to arrive
        await pool.post("/", {}, b"")

    assert server.connections == 3


async def test_a_connection_that_was_idle_for_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scripted(OK, OK) as server, pool_to(server.url) as pool:
        await pool.post("/", {}, b"")
        monkeypatch.setattr(http, "_IDLE_LIMIT_SECONDS", 0.0)
        await asyncio.sleep(0.001)
        await pool.post("/", {}, b"")

    assert server.connections == 2


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", b"SSH-2.0-server\r\n"],
    ids=["nothing", "half of it", "another protocol"],
)
async def test_what_is_no_whole_answer_breaks_the_connection(sent: bytes) -> None:
    async with scripted(sent, OK) as server, pool_to(server.url) as pool:
        server.hang_up = lambda: True
        with pytest.raises(Broken):
            await pool.post("/", {}, b"")
        assert (await pool.post("/", {}, b"")).status == 200

    assert len(server.requests) == 2


async def test_an_answer_that_nobody_waits_for_any_more_is_nobody_elses() -> None:
    late = b"|" * 20 + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate"
    async with scripted(late, OK) as server, pool_to(server.url) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await pool.post("/", {}, b"")
        assert await pool.post("/", {}, b"") == Response(200, b"ok")

    assert server.connections == 2


async def test_an_answer_that_comes_too_late_is_not_waited_for_and_nobody_elses() -> None:
    late = b"|" * 20 + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate"
    async with scripted(late, OK) as server:
        pool = HttpPool(server.url, SECOND, timedelta(seconds=0.05))

        with pytest.raises(TimeoutError):
            await pool.post("/", {}, b"")

        assert await pool.post("/", {}, b"") == Response(200, b"ok")
        pool.close()
    assert server.connections == 2


async def test_no_more_connections_than_the_limit() -> None:
    slow = b"|" * 10 + OK
    async with scripted(*[slow] * 8) as server, pool_to(server.url, 2) as pool:
        await asyncio.gather(*(pool.post("/", {}, b"") for _ in range(8)))
        assert server.connections == 2

    async with scripted(OK, OK) as server:
        server.answering.clear()
        impatient = HttpPool(server.url, SECOND, 60 * SECOND, 2)
        waiting = [asyncio.create_task(impatient.post("/", {}, b"")) for _ in range(2)]
        while len(server.requests) < 2:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        with pytest.raises(NotConnected):
            await impatient.post("/", {}, b"")
        server.answering.set()
        await asyncio.gather(*waiting)
        impatient.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost, signed by itself, and its key."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", path, "-out", path.with_suffix(".crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


async def test_tls_to_a_server_that_the_machine_trusts_and_to_no_other(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with scripted(OK, OK, tls=tls) as server:
        async with pool_to(server.url) as pool:
            with pytest.raises(NotConnected, match="SSLCertVerificationError"):
                await pool.post("/", {}, b"")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
        async with pool_to(server.url) as pool:
            assert await pool.post("/", {}, b"") == Response(200, b"ok")

    assert len(server.requests) == 1
