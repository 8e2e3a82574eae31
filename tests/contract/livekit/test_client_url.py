"""What the client sends first to a LiveKit server, by the scheme of its URL."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from livekit.api import ListRoomsRequest

from adapters.livekit.client import LiveKitClient
from adapters.livekit.http import NotConnected
from tests.livekit_server import API_KEY, API_SECRET

TLS_HANDSHAKE = b"\x16"
"""The first byte of a TLS connection (RFC 8446, 5.1)."""


async def first_bytes(scheme: str) -> bytes:
    """Return what the client sends to a server that only listens."""
    received = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set_result(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, LiveKitClient(url, API_KEY, API_SECRET) as client:
        with suppress(Exception):  # the server answers nothing
            await client.rooms.list_rooms(ListRoomsRequest())
        return bytes(await received)


@pytest.mark.parametrize("scheme", ["wss", "WSS", "Wss", "https", "HTTPS"])
async def test_given_a_secure_scheme_in_any_case_then_nothing_goes_in_plain_text(
    scheme: str,
) -> None:
    sent = await first_bytes(scheme)

    assert sent.startswith(TLS_HANDSHAKE)
    assert b"Bearer" not in sent


@pytest.mark.parametrize("scheme", ["ws", "WS", "http", "Http"])
async def test_given_a_plain_scheme_in_any_case_then_the_request_is_plain_http(scheme: str) -> None:
    assert (await first_bytes(scheme)).startswith(b"POST /twirp/livekit.RoomService/ListRooms")


@pytest.mark.parametrize("url", ["", "host:7880", "wss ://host", "ftp://host"])
def test_given_another_scheme_then_there_is_no_client(url: str) -> None:
    with pytest.raises(ValueError, match="not a scheme"):
        LiveKitClient(url, API_KEY, API_SECRET)


async def test_given_nobody_listens_then_a_scheme_in_capitals_fails_as_another_does() -> None:
    async with LiveKitClient("WS://127.0.0.1:9", API_KEY, API_SECRET) as client:
        with pytest.raises(NotConnected):
            await client.rooms.list_rooms(ListRoomsRequest())
