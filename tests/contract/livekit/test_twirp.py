"""What goes over the wire: the simulator answers as livekit-server 1.13.5 does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from livekit.api import AccessToken, VideoGrants

from domain.shared.identifiers import RoomName
from tests.contract.livekit.conftest import LiveKit
from tests.livekit_server import API_KEY, API_SECRET

Call = Callable[..., Awaitable[tuple[int, Any]]]


def token(ttl: int = 600, **grants: Any) -> str:
    return (
        AccessToken(API_KEY, API_SECRET)
        .with_grants(VideoGrants(**grants))
        .with_ttl(timedelta(seconds=ttl))
        .to_jwt()
    )


@pytest.fixture
async def call(livekit: LiveKit) -> AsyncIterator[Call]:
    """POST to ``Service/Method``: the status, and the body (as JSON if it is JSON)."""
    base = livekit.url.replace("ws", "http")
    async with aiohttp.ClientSession() as session:

        async def post(
            path: str,
            body: object,
            token: str | None,
            content_type: str = "application/json",
            verb: str = "POST",
        ) -> tuple[int, Any]:
            headers = {"Content-Type": content_type}
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            url = f"{base}/twirp/livekit.{path}"
            async with session.request(verb, url, data=data, headers=headers) as response:
                is_json = response.content_type == "application/json"
                text = await response.text()
                return response.status, json.loads(text) if is_json else text

        yield post


async def test_a_dispatch_in_json(call: Call, room_name: RoomName) -> None:
    room = str(room_name)
    body = {"room": room, "agentName": "agent-a", "metadata": "m", "from_the_future": 1}

    status, answer = await call(
        "AgentDispatchService/CreateDispatch", body, token(room_admin=True, room=room)
    )

    assert status == 200
    assert answer.pop("id").startswith("AD_")
    assert int(answer["state"].pop("created_at")) > 1_500_000_000 * 10**9
    assert answer == {
        "agent_name": "agent-a",
        "room": room,
        "metadata": "m",
        "state": {"jobs": [], "deleted_at": "0"},
        "restart_policy": "JRP_ON_FAILURE",
        "deployment": "",
        "attributes": {},
    }


async def test_a_dispatch_takes_even_an_empty_room_name(call: Call) -> None:
    status, answer = await call(
        "AgentDispatchService/CreateDispatch", {"agent_name": "a"}, token(room_admin=True)
    )

    assert (status, answer["room"]) == (200, "")
    status, answer = await call("RoomService/ListRooms", {"names": [""]}, token(room_list=True))
    assert [room["name"] for room in answer["rooms"]] == [""]


@pytest.mark.parametrize("method", ["ListDispatch", "DeleteDispatch"])
@pytest.mark.slow
async def test_dispatches_of_an_unknown_room_hang_and_are_unavailable(
    call: Call, room_name: RoomName, method: str
) -> None:
    room = str(room_name)
    body = {"room": room, "dispatch_id": "AD_unknown"}

    started = asyncio.get_running_loop().time()
    answer = await call(f"AgentDispatchService/{method}", body, token(room_admin=True, room=room))

    assert answer == (
        503,
        {"code": "unavailable", "msg": "twirp error unknown: no response from servers"},
    )
    assert asyncio.get_running_loop().time() - started > 2.5


async def test_a_new_room(call: Call, room_name: RoomName) -> None:
    create = token(room_create=True)
    body = {"name": str(room_name), "metadata": "m"}
    status, made = await call("RoomService/CreateRoom", body, create)
    again = await call("RoomService/CreateRoom", {"name": str(room_name)}, create)

    assert status == 200
    assert made["sid"].startswith("RM_")
    assert (made["empty_timeout"], made["departure_timeout"]) == (300, 20)
    assert (made["num_participants"], made["metadata"]) == (0, "m")
    assert made["creation_time_ms"].startswith(made["creation_time"])
    assert again[0] == 200
    assert again[1]["sid"] == made["sid"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"name": "r" * 257},
            "twirp error unknown: room name length exceeds limits: max length 256",
        ),
        ({"name": "r", "metadata": "m" * 524289}, "metadata size exceeds limits 524288"),
    ],
)
async def test_a_room_over_a_limit(call: Call, body: object, message: str) -> None:
    status, answer = await call("RoomService/CreateRoom", body, token(room_create=True))

    assert status == 400
    assert (answer["code"], answer["msg"]) == ("invalid_argument", message)


@pytest.mark.parametrize("method", ["GetParticipant", "RemoveParticipant", "UpdateParticipant"])
async def test_an_unknown_participant(call: Call, room_name: RoomName, method: str) -> None:
    room = str(room_name)
    body = {"room": room, "identity": "nobody"}

    answer = await call(f"RoomService/{method}", body, token(room_admin=True, room=room))

    assert answer == (
        404,
        {"code": "not_found", "msg": "twirp error unknown: participant does not exist"},
    )


@pytest.mark.parametrize(
    ("path", "grants"),
    [
        ("RoomService/ListRooms", {"room_create": True}),
        ("RoomService/CreateRoom", {"room_list": True}),
        ("RoomService/DeleteRoom", {"room_list": True}),
        ("RoomService/ListParticipants", {"room_admin": True, "room": "another"}),
        ("AgentDispatchService/CreateDispatch", {"room_admin": True, "room": "another"}),
        ("AgentDispatchService/ListDispatch", {"room_join": False, "room": "r"}),
        ("AgentDispatchService/DeleteDispatch", {"room_admin": True, "room": "another"}),
    ],
)
async def test_a_missing_grant(call: Call, path: str, grants: dict[str, Any]) -> None:
    refused = (401, {"code": "unauthenticated", "msg": "permissions denied"})

    assert await call(path, {"room": "r"}, token(**grants)) == refused
    assert await call(path, {"room": "r"}, None) == refused


@pytest.mark.parametrize(
    "bad_token",
    [
        "garbage",
        AccessToken("otherkey", API_SECRET).to_jwt(),
        AccessToken(API_KEY, "another-secret-0123456789-0123456789").to_jwt(),
        token(ttl=-90, room_list=True),
    ],
    ids=["no token", "unknown key", "wrong secret", "expired"],
)
async def test_a_token_that_does_not_count(call: Call, bad_token: str) -> None:
    status, text = await call("RoomService/ListRooms", {}, bad_token)

    assert status == 401
    assert text.startswith("invalid ")  # plain text, which the SDK reads as code 'unknown'


async def test_a_token_that_expired_less_than_a_minute_ago_counts(call: Call) -> None:
    status, _ = await call("RoomService/ListRooms", {}, token(ttl=-30, room_list=True))

    assert status == 200


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"{", "application/json", "the json request could not be decoded"),
        (b"\xff\xff", "application/protobuf", "the protobuf request could not be decoded"),
    ],
)
async def test_a_malformed_body(call: Call, body: bytes, content_type: str, message: str) -> None:
    answer = await call("RoomService/ListRooms", body, token(room_list=True), content_type)

    assert answer == (400, {"code": "malformed", "msg": message})


@pytest.mark.parametrize(
    ("path", "content_type", "verb"),
    [
        ("RoomService/ListRooms", "text/plain", "POST"),
        ("RoomService/ListRooms", "application/json", "PUT"),
        ("RoomService/Unknown", "application/json", "POST"),
    ],
)
async def test_a_bad_route(call: Call, path: str, content_type: str, verb: str) -> None:
    status, answer = await call(path, {}, token(room_list=True), content_type, verb)

    assert status == 404
    assert answer["code"] == "bad_route"
    assert answer["meta"] == {"twirp_invalid_route": f"{verb} /twirp/livekit.{path}"}


async def test_the_root_is_a_health_check(livekit: LiveKit) -> None:
    url = livekit.url.replace("ws", "http")
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert (response.status, await response.text()) == (200, "OK")
