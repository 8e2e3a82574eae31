"""The main job for real: a server, a worker, participants."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from livekit import api, rtc

from tests.databases import sqlite_in
from tests.live.steps import (
    agent_joins,
    agents,
    dispatches,
    has_agents,
    post,
    rooms,
    until,
)
from tests.livekit_server import LiveKitServer
from tests.service import running, start

pytestmark = pytest.mark.slow


async def test_ending_the_session_puts_everybody_out_and_the_room_is_gone(
    http: httpx.AsyncClient, livekit: api.LiveKitAPI, participant: rtc.Room, room: str
) -> None:
    started = await post(http, "ann", room)
    await participant.connect(started["livekitUrl"], started["userToken"])
    await agent_joins(http, livekit, room)
    await until(lambda: bool(participant.remote_participants))

    answer = await http.post("/session/end", json={"roomName": room})

    assert answer.status_code == 204
    await until(lambda: not participant.isconnected())
    assert await rooms(livekit, room) == 0
    session = (await http.get(f"/sessions/{started['sessionId']}")).json()
    assert (session["status"], session["endReason"]) == ("ended", "ended_by_caller")


async def test_a_second_user_joins_the_same_agent(
    http: httpx.AsyncClient, livekit: api.LiveKitAPI, room: str
) -> None:
    first = await post(http, "ann", room)
    await agent_joins(http, livekit, room)

    second = await post(http, "bob", room)
    await asyncio.sleep(1)

    assert second["sessionId"] == first["sessionId"]
    assert len(await agents(livekit, room)) == 1
    assert len(await dispatches(livekit, room)) == 1
    session = (await http.get(f"/sessions/{first['sessionId']}")).json()
    assert session["status"] == "active"


async def test_64_callers_at_once_get_one_agent(
    http: httpx.AsyncClient, livekit: api.LiveKitAPI, room: str
) -> None:
    started = await asyncio.gather(*(post(http, f"user-{n}", room) for n in range(64)))
    await agent_joins(http, livekit, room)
    await asyncio.sleep(1)

    assert len({one["sessionId"] for one in started}) == 1
    assert len(await agents(livekit, room)) == 1
    assert len(await dispatches(livekit, room)) == 1


async def test_an_agent_that_was_removed_is_brought_back_by_the_next_post(
    http: httpx.AsyncClient, livekit: api.LiveKitAPI, room: str
) -> None:
    first = await post(http, "ann", room)
    await agent_joins(http, livekit, room)
    await post(http, "ann", room)  # the ledger has seen it in the room
    [agent] = await agents(livekit, room)
    await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=agent))
    await until(lambda: has_agents(livekit, room, 0))

    again = await post(http, "ann", room)

    await agent_joins(http, livekit, room)
    assert again["sessionId"] == first["sessionId"]
    assert await agents(livekit, room) != [agent]
    assert len(await dispatches(livekit, room)) == 1


async def test_a_killed_service_finds_its_agent_again(
    service_environ: dict[str, str], worker: object, livekit: api.LiveKitAPI, room: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    environ = {**service_environ, "DATABASE_URL": sqlite_in(tmp_path)}
    first = start(environ, tmp_path)
    async with httpx.AsyncClient(base_url=first.url, timeout=60) as http:
        started = await post(http, "ann", room)
    first.kill()

    with running(environ, tmp_path) as second:
        async with httpx.AsyncClient(base_url=second.url, timeout=60) as http:
            again = await post(http, "bob", room)
            await agent_joins(http, livekit, room)
    await asyncio.sleep(1)

    assert again["sessionId"] == started["sessionId"]
    assert len(await agents(livekit, room)) == 1
    assert len(await dispatches(livekit, room)) == 1


@pytest.mark.parametrize("milliseconds", [5, 15, 40])
async def test_a_service_killed_in_the_middle_of_posts_ends_up_with_one_agent(
    *,
    service_environ: dict[str, str],
    worker: object,
    livekit: api.LiveKitAPI,
    room: str,
    tmp_path: Path,
    milliseconds: int,
) -> None:
    environ = {**service_environ, "DATABASE_URL": sqlite_in(tmp_path)}
    first = start(environ, tmp_path)
    async with httpx.AsyncClient(base_url=first.url, timeout=60) as http:
        await http.get("/health")  # connected
        posts = [asyncio.create_task(post(http, f"user-{n}", room)) for n in range(4)]
        await asyncio.sleep(milliseconds / 1000)
        first.kill()
        await asyncio.gather(*posts, return_exceptions=True)

    with running(environ, tmp_path) as second:
        async with httpx.AsyncClient(base_url=second.url, timeout=60) as http:
            await until(lambda: accepted(http, room), 60)
            await agent_joins(http, livekit, room)
    await asyncio.sleep(1)

    assert len(await agents(livekit, room)) == 1
    assert len(await dispatches(livekit, room)) == 1


async def accepted(http: httpx.AsyncClient, room: str) -> bool:
    answer = await http.post("/session", json={"userIdentity": "ann", "roomName": room})
    return answer.status_code == 200


async def test_a_wrong_secret_dispatches_nothing(
    server: LiveKitServer, livekit: api.LiveKitAPI, room: str, tmp_path: Path
) -> None:
    environ = {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": "not-the-secret-that-livekit-knows-0123",
        "DATABASE_URL": "memory://",
    }
    with running(environ, tmp_path) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
            body = {"userIdentity": "ann", "roomName": room}
            answer = await http.post("/session", json=body)

    assert answer.status_code == 502
    assert answer.json()["agentDispatched"] is False
    assert await rooms(livekit, room) == 0
