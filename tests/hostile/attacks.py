"""``python -m tests.hostile.attacks NAME PORT KEY``: one client's attack, until it is killed."""

from __future__ import annotations

import asyncio
import itertools
import resource
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

_KIB: Final = 1024
BODY: Final = 256 * _KIB


def _head(request: str, key: str, length: int = 0, *more: str) -> bytes:
    lines = [f"{request} HTTP/1.1", "Host: x", f"X-API-Key: {key}", *more]
    if length:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def stalled_body(port: int, head: bytes) -> None:
    """All but the last bytes of a body, again when the service gives up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head + b"{" + b" " * (BODY - _KIB))
        await reader.read()
    finally:
        writer.close()
    await asyncio.sleep(1)


async def stalled_session(port: int, key: str, _number: int) -> None:
    """With a valid API key."""
    head = _head("POST /session", key, BODY, "Content-Type: application/json")
    await stalled_body(port, head)


async def stalled_webhook(port: int, key: str, _number: int) -> None:
    """Without a token of LiveKit's."""
    head = _head("POST /telephony/livekit-webhook", key, BODY, "Content-Type: application/json")
    await stalled_body(port, head)


async def unread_list(port: int, key: str, _number: int) -> None:
    """Ask for as much as there is, and take nothing of it."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KIB)
        one.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(one, ("127.0.0.1", port))
        await loop.sock_sendall(one, _head("GET /sessions?limit=200", key) * 20)
        await asyncio.sleep(60)


_NESTED: Final = (
    b'{"userIdentity":"a","agentConfig":{"x":[' + b"[]," * 349_000 + b"[]]}}",  # of 1 MiB
    b'{"userIdentity":"a","agentConfig":{"x":[' + b"[]," * 170_000 + b"[]]}}",
    b'{"userIdentity":"a","agentConfig":{"x":[' + b"[]," * 22_000 + b"[]]}}",
)


async def nested(port: int, key: str, number: int) -> None:
    """Bodies that take long to read, one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for turn in itertools.count(number):
            body = _NESTED[turn % len(_NESTED)]
            head = _head("POST /session", key, len(body), "Content-Type: application/json")
            writer.write(head + body)
            await _answer(reader)
    finally:
        writer.close()


async def unknown_path(port: int, _key: str, number: int) -> None:
    """Paths that are none, one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for turn in itertools.count():
            writer.write(_head(f"GET /nothing/{number}/{turn}", "no-key"))
            await _answer(reader)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.split(b":")[1]))


ATTACKS: Final[Mapping[str, tuple[int, Callable[[int, str, int], Awaitable[None]]]]] = {
    "stalled bodies, with a key": (900, stalled_session),
    "stalled webhooks, unsigned": (900, stalled_webhook),
    "unread lists": (100, unread_list),
    "nested bodies": (4, nested),
    "unknown paths": (64, unknown_path),
}


async def _attack(name: str, port: int, key: str) -> None:
    times, attack = ATTACKS[name]

    async def again(number: int) -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await attack(port, key, number)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(again(number) for number in range(times)))


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_attack(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
