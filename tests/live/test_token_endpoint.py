"""LiveKit's standard token endpoint for real: agents are dispatched once users have joined."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from livekit import api, rtc

from tests.live.stage import Staged, staged
from tests.live.steps import agents, dispatches, has_agents, rooms, until

pytestmark = pytest.mark.slow

told = pytest.mark.parametrize("everything", [True], ids=["told"], indirect=True)
told_and_untold = pytest.mark.parametrize(
    "everything", [True, False], ids=["told", "untold"], indirect=True
)
"""Webhooks come, or don't."""


@pytest.fixture(scope="module")
def everything(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Staged]:
    """A stage whose rooms close soon after their users have left."""
    folder = tmp_path_factory.mktemp("everything")
    with staged(folder, webhooks=request.param, departure_seconds=2) as everything:
        yield everything


async def fetch(
    http: httpx.AsyncClient, ticket: str | None = None, **body: Any
) -> tuple[str, str, str]:
    """Return the URL, the token and the room that it is for."""
    headers = {} if ticket is None else {"Authorization": f"Bearer {ticket}"}
    answer = await http.post("/livekit/token", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    token = answer.json()["participant_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    return answer.json()["server_url"], token, claims["video"]["room"]


async def one_agent(livekit: api.LiveKitAPI, room: str) -> None:
    """One agent is in the room, and none is on its way."""
    await until(lambda: has_agents(livekit, room, 1))
    await asyncio.sleep(3)  # as long as LiveKit could take for another one
    assert len(await agents(livekit, room)) == 1
    assert len(await dispatches(livekit, room)) == 1


@told_and_untold
async def test_however_tokens_are_used_there_is_one_agent_and_none_for_an_unused_one(
    everything: Staged,
) -> None:
    async with everything.clients() as (http, livekit):
        _, _, unused = await fetch(http)
        url, token, room = await fetch(http)
        assert await rooms(livekit, room) == 0

        first, second = rtc.Room(), rtc.Room()
        await first.connect(url, token)
        await one_agent(livekit, room)
        await second.connect(url, token)  # another tab: LiveKit puts the first one out
        await until(lambda: not first.isconnected())
        await one_agent(livekit, room)

        await second.disconnect()
        await until(lambda: _is_gone(livekit, room))
        again = rtc.Room()
        await again.connect(url, token)  # the same token, after its session
        await one_agent(livekit, room)
        await again.disconnect()

        assert await rooms(livekit, unused) == 0
        answer = await http.get(f"/sessions/by-room/{unused}")
        assert (answer.json()["status"], answer.json()["timeline"]) == ("created", [])


@told
async def test_given_a_room_that_another_program_has_opened_then_there_is_one_agent(
    everything: Staged,
) -> None:
    async with everything.clients() as (http, livekit):
        await livekit.room.create_room(api.CreateRoomRequest(name="theirs"))
        url, token, room = await fetch(http, room_name="theirs")
        user = rtc.Room()
        await user.connect(url, token)
        await one_agent(livekit, room)
        await user.disconnect()


@told
async def test_given_a_ticket_then_its_user_has_one_agent_until_the_session_ends(
    everything: Staged,
) -> None:
    async with everything.clients() as (http, livekit):
        made = await http.post("/livekit/tickets", json={"ttlSeconds": 900})
        ticket = made.json()["ticket"]
        url, token, room = await fetch(http, ticket)
        user = rtc.Room()
        await user.connect(url, token)
        await one_agent(livekit, room)
        assert user.local_participant.identity == made.json()["userIdentity"]

        _, again, same_room = await fetch(http, ticket)  # a reload
        assert same_room == room
        reloaded = rtc.Room()
        await reloaded.connect(url, again)
        await until(lambda: not user.isconnected())
        await one_agent(livekit, room)

        assert (await http.post("/session/end", json={"roomName": room})).status_code == 204
        headers = {"Authorization": f"Bearer {ticket}"}
        refused = await http.post("/livekit/token", json={}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "ticket_used")
        await reloaded.disconnect()


@told
async def test_given_the_caller_ended_it_then_its_token_brings_no_agent(everything: Staged) -> None:
    async with everything.clients() as (http, livekit):
        url, token, room = await fetch(http)
        assert (await http.post("/session/end", json={"roomName": room})).status_code == 204
        user = rtc.Room()
        await user.connect(url, token)
        await asyncio.sleep(5)  # five looks of the reconciler

        assert await agents(livekit, room) == []
        assert await dispatches(livekit, room) == []
        await user.disconnect()


async def _is_gone(livekit: api.LiveKitAPI, room: str) -> bool:
    return await rooms(livekit, room) == 0
