"""Deliveries over real sockets: names that lead elsewhere later, connections that are kept."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from adapters.webhooks import poster, public_network
from adapters.webhooks.delivery_sender import HttpDeliverySender
from domain.webhooks.delivery_sender import Answer, NotDelivered

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PRIVATE: Final = "The receiver leads to an address that is not public."
OK: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


class Server:
    """Answers each request on a connection with the next of ``answers``, the last one for good."""

    def __init__(self, *answers: bytes, closes: bool = False) -> None:
        self.answers, self.closes = list(answers), closes
        self.connections, self.requests = 0, 0
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                self.requests += 1
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                writer.write(answer)
                await writer.drain()
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


@asynccontextmanager
async def opened(*, allow_private: bool = True) -> AsyncIterator[HttpDeliverySender]:
    sender = HttpDeliverySender(lambda: 1_795_000_000.0, allow_private=allow_private)
    try:
        yield sender
    finally:
        await sender.close()


async def send(sender: HttpDeliverySender, url: str) -> Answer:
    return await sender.send(url, [SECRET], "id", b"{}")


async def test_a_name_that_leads_to_a_private_address_later_gets_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name is public when it is looked up first, and private from then on."""
    addresses = iter(["203.0.113.1", "127.0.0.1", "169.254.169.254", "10.0.0.1"])
    used: list[str] = []

    def look_up(_host: str, port: int, _family: int) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(addresses), port))]

    def public(address: str) -> bool:
        used.append(address)
        return address == "203.0.113.1"

    monkeypatch.setattr(public_network, "_look_up", look_up)
    monkeypatch.setattr(public_network, "is_public", public)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: None)

    async with running(Server(OK)) as server, opened(allow_private=False) as sender:
        url = f"https://rebinding.example.com:{server.port}/"
        with pytest.raises((NotDelivered, TimeoutError)) as first:
            async with asyncio.timeout(0.3):
                await send(sender, url)
        assert PRIVATE not in str(first.value)
        for _ in range(3):
            with pytest.raises(NotDelivered) as refused:
                await send(sender, url)
            assert str(refused.value) == PRIVATE

    assert used == ["203.0.113.1", "127.0.0.1", "169.254.169.254", "10.0.0.1"]
    assert server.connections == 0


async def test_a_kept_connection_stays_where_it_is_and_a_new_one_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up: list[str] = []
    address = "127.0.0.1"

    def look_up(host: str, port: int, _family: int) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(public_network, "_look_up", look_up)
    monkeypatch.setattr(poster, "any_socket", public_network.public_socket)
    monkeypatch.setattr(public_network, "is_public", lambda found: found == "127.0.0.1")

    async with running(Server(OK)) as server, opened() as sender:
        url = f"http://kept.example.com:{server.port}/"
        await send(sender, url)
        address = "127.0.0.2"  # which is not public here
        await send(sender, url)
        assert (server.connections, server.requests) == (1, 2)
        assert looked_up == ["kept.example.com"]
        with pytest.raises(NotDelivered, match="not public"):
            await asyncio.gather(*(send(sender, url) for _ in range(4)))


async def test_a_connection_that_the_server_has_closed_costs_no_attempt() -> None:
    async with running(Server(OK, closes=True)) as server, opened() as sender:
        url = f"http://127.0.0.1:{server.port}/"
        for _ in range(5):
            assert (await send(sender, url)).status == 204
        assert server.connections == 5


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"7", 7.0),
        (b"99999999999999", 999999999.0),
        (b"-1", None),
        (b"soon", None),
        (b"Wed, 18 Nov 2026 12:27:20 GMT", None),
        ("½".encode(), None),
    ],
)
async def test_retry_after_is_read_where_it_is_one(header: bytes, seconds: float | None) -> None:
    answer = b"HTTP/1.1 503 X\r\nContent-Length: 0\r\nRetry-After: " + header + b"\r\n\r\n"
    async with running(Server(answer)) as server, opened() as sender:
        found = await send(sender, f"http://127.0.0.1:{server.port}/")

    assert found.status == 503
    if header.startswith(b"Wed"):
        assert found.retry_after_seconds is not None
    else:
        assert found.retry_after_seconds == seconds


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 99999999\r\n\r\n" + b"x" * 65536,
        b"Transfer-Encoding: chunked\r\n\r\nffff\r\nnot whole",
        b"Content-Length: 10\r\n\r\nhalf",
    ],
)
async def test_an_answer_that_lies_about_its_body_counts_by_its_status(body: bytes) -> None:
    server = Server(b"HTTP/1.1 200 OK\r\n" + body, closes=True)
    async with running(server), opened() as sender:
        assert (await send(sender, f"http://127.0.0.1:{server.port}/")).status == 200


async def test_what_is_no_http_is_no_answer() -> None:
    async with running(Server(b"SSH-2.0-x\r\n", closes=True)) as server, opened() as sender:
        with pytest.raises(NotDelivered, match="broke the connection"):
            await send(sender, f"http://127.0.0.1:{server.port}/")


@pytest.mark.parametrize(
    "given",
    ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "1 Jan 2024 00:00:00 +99999999999999"],
)
async def test_a_retry_after_that_is_no_date_counts_as_none(given: str) -> None:
    answer = f"HTTP/1.1 503 X\r\nContent-Length: 0\r\nRetry-After: {given}\r\n\r\n".encode()

    async with running(Server(answer)) as server, opened() as sender:
        answered = await send(sender, f"http://127.0.0.1:{server.port}/")

    assert answered == Answer(status=503, retry_after_seconds=None)
