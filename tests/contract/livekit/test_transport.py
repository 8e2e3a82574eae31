"""livekit-api's services over the pool: what they send, how often, and how long they wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import jwt
import pytest
from livekit.api import (
    CreateAgentDispatchRequest,
    DeleteRoomRequest,
    ListParticipantsRequest,
    ListRoomsRequest,
    ListRoomsResponse,
    LiveKitAPI,
    Room,
    RoomParticipantIdentity,
    ServerError,
)

from adapters.livekit.client import LiveKitClient
from adapters.livekit.rooms import LiveKitRooms
from adapters.phonenumbers.phone_numbers import normalised
from tests.contract.livekit.test_http import Scripted, resolving, scripted
from tests.livekit_server import API_KEY, API_SECRET

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/protobuf\r\ncontent-length: %d\r\n\r\n"
EMPTY = HEAD % 0
UNAVAILABLE = (
    b"HTTP/1.1 503 no\r\ncontent-type: application/json\r\ncontent-length: 46\r\n\r\n"
    b'{"code": "unavailable", "msg": "not just now"}'
)


def client_of(server: Scripted, **options: Any) -> LiveKitClient:
    return LiveKitClient(server.url, API_KEY, API_SECRET, **options)


def sent(request: bytes) -> tuple[bytes, bytes, dict[str, Any]]:
    """The path and body of a request, and the claims of its token without their times."""
    head, _, body = request.partition(b"\r\n\r\n")
    path = head.split()[1].removeprefix(b"/base")
    token = head.partition(b"earer ")[2].split()[0].decode()
    claims = jwt.decode(token, API_SECRET, ["HS256"], issuer=API_KEY)
    return path, body, {key: value for key, value in claims.items() if key not in ("exp", "nbf")}


Ask = Callable[[Any, Any], Awaitable[Any]]
METHODS: dict[str, Ask] = {
    "list rooms": lambda room, _: room.list_rooms(ListRoomsRequest(names=["room-1"])),
    "list participants": lambda room, _: room.list_participants(
        ListParticipantsRequest(room="room-1")
    ),
    "remove participant": lambda room, _: room.remove_participant(
        RoomParticipantIdentity(room="room-1", identity="user-1")
    ),
    "delete room": lambda room, _: room.delete_room(DeleteRoomRequest(room="room-1")),
    "create dispatch": lambda _, dispatch: dispatch.create_dispatch(
        CreateAgentDispatchRequest(room="room-1", agent_name="agent-a", metadata="{}")
    ),
    "list dispatches": lambda _, dispatch: dispatch.list_dispatch("room-1"),
    "delete dispatch": lambda _, dispatch: dispatch.delete_dispatch("AD_1", "room-1"),
}


@pytest.mark.parametrize("method", METHODS)
async def test_given_a_method_then_the_request_is_the_one_that_livekit_api_sends(
    method: str,
) -> None:
    async with scripted(EMPTY, EMPTY) as server:
        async with client_of(server) as client:
            await METHODS[method](client.rooms, client.dispatches)
        async with LiveKitAPI(server.url, API_KEY, API_SECRET, failover=False) as reference:
            await METHODS[method](reference.room, reference.agent_dispatch)

    ours, expected = map(sent, server.requests)
    assert ours == expected
    assert b"content-type: application/protobuf\r\n" in server.requests[0]


async def test_given_a_host_of_livekit_cloud_that_fails_then_the_request_is_not_replayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scripted(*[UNAVAILABLE] * 3, host="127.0.0.1") as server:
        cloud = "project.livekit.cloud"
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", resolving(cloud, ["127.0.0.1"], loop))
        url = server.url.replace("localhost", cloud).replace("http", "ws")
        async with LiveKitClient(url, API_KEY, API_SECRET) as client:
            with pytest.raises(ServerError, match="not just now"):
                await client.rooms.list_rooms(ListRoomsRequest())

    assert len(server.requests) == 1


@pytest.mark.parametrize(("limit", "in_time"), [(1, False), (5, True)])
async def test_given_a_time_out_of_the_call_then_it_replaces_the_clients(
    limit: float, *, in_time: bool
) -> None:
    total = timedelta(seconds=0.1 if in_time else 30)
    async with (
        scripted(b"|" * 50 + EMPTY) as server,
        client_of(server, total_limit=total) as client,
    ):
        if not in_time:
            server.answering.clear()
        request = client._transport.request(
            "SIP", "CreateSIPParticipant", ListRoomsRequest(), {}, ListRoomsResponse,
            timeout=aiohttp.ClientTimeout(total=limit),
        )  # fmt: skip
        if in_time:
            assert await request == ListRoomsResponse()
        else:
            with pytest.raises(TimeoutError):
                await request


async def test_given_very_many_rooms_then_they_are_decoded_a_hundred_at_a_time() -> None:
    rooms = [Room(name=f"room-{number}", sid=f"RM_{number}") for number in range(2100)]
    body = ListRoomsResponse(rooms=rooms).SerializeToString()
    answer = HEAD % len(body) + body
    parts: list[int] = []
    held: list[int] = []

    def take(part: ListRoomsResponse) -> None:
        parts.append(len(part.rooms))
        asyncio.get_running_loop().call_soon(lambda: held.append(len(parts)))

    async with scripted(answer, answer) as server, client_of(server) as client:
        rest = await client.rooms_in_parts(take).list_rooms(ListRoomsRequest())
        found = await LiveKitRooms(client, "sip_", normalised).all()

    assert parts == [100] * 21
    assert held == list(range(1, 22))  # another task has run after each
    assert rest == ListRoomsResponse()
    assert [room.sid for room in found] == [room.sid for room in rooms]


@pytest.mark.parametrize("in_parts", [False, True])
async def test_given_a_request_then_the_watch_has_its_method_and_its_error(
    *, in_parts: bool
) -> None:
    seen: list[object] = []

    @contextmanager
    def watch(method: str) -> Iterator[None]:
        seen.append(method)
        try:
            yield
        except ServerError as error:
            seen.append(error.status)
            raise

    async with scripted(UNAVAILABLE) as server, client_of(server, watch=watch) as client:
        rooms = client.rooms_in_parts(lambda _: None) if in_parts else client.rooms
        with pytest.raises(ServerError):
            await rooms.list_rooms(ListRoomsRequest())

    assert seen == ["RoomService/ListRooms", 503]
