"""``python -m tests.benchmarks.stub_livekit PORT``: a LiveKit that answers every request at once.

It reads no more of a request than where it ends: what it costs must not be taken for the cost of
whoever calls it. Each CreateDispatch gets a dispatch with an id of its own; every other request
gets an empty message, which says that there are no rooms, participants or dispatches.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Final

from livekit.protocol.agent_dispatch import AgentDispatch

CREATE: Final = b"POST /twirp/livekit.AgentDispatchService/CreateDispatch "
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: %d\r\n\r\n"
)
_EMPTY: Final = _HEAD % 0
_numbers = itertools.count(1)


class Connection(asyncio.Protocol):
    """One keep-alive connection (RFC 9112)."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._received) < end + 4 + length:
                return
            self._transport.write(_answer(self._received))
            self._received = self._received[end + 4 + length :]


def _answer(request: bytes) -> bytes:
    if not request.startswith(CREATE):
        return _EMPTY
    body = AgentDispatch(id=f"AD_{next(_numbers)}").SerializeToString()
    return _HEAD % len(body) + body


async def serve(port: int) -> None:
    """Answer until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
