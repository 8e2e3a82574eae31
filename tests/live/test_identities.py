"""The names of today's users, on a real server: joining, repair, renewal and erasure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from livekit import api, rtc

from domain.rooms.token_options import MAX_ATTRIBUTES_BYTES, MAX_METADATA_BYTES
from tests.integration.cli.backend import Backend
from tests.live.stage import Staged, stage
from tests.live.steps import agents, join, session_becomes, until
from tests.live.steps import rooms as rooms_of

pytestmark = pytest.mark.slow

NAMES = [
    "ann@example.com",
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "+15105550100",
    "sip_+15105550100",
    "👩‍🚀",
    "田中\N{IDEOGRAPHIC SPACE}太郎",
    "Jose\N{COMBINING ACUTE ACCENT}",
    'O\'Brien "Bob" \\ 100% a/b?c=d&e#f',
    "é" * 128,
]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    with (
        stage(tmp_path_factory.mktemp("identities")) as empty,
        empty.worker() as worker,
        empty.service(IDENTITY_CHARSET="any") as service,
    ):
        yield Staged(stage=empty, worker=worker, service=service)


@asynccontextmanager
async def user() -> AsyncIterator[rtc.Room]:
    participant = rtc.Room()
    try:
        yield participant
    finally:
        await participant.disconnect()


async def start(http: httpx.AsyncClient, identity: str, **more: Any) -> dict[str, Any]:
    answer = await http.post("/session", json={"userIdentity": identity, **more})
    assert answer.status_code == 200, answer.text
    started: dict[str, Any] = answer.json()
    return started


async def forget(staged: Staged, identity: str) -> str:
    """What `backend forget` prints."""
    backend = Backend(staged.stage.environ, staged.stage.folder)
    arguments = ("forget", f"--identity={identity}", "--yes")
    result = await asyncio.to_thread(backend.process, *arguments)
    assert result.code == 0, result.errors
    return result.output


async def is_forgotten(staged: Staged, identity: str) -> bool:
    return "Nothing" in await forget(staged, identity)


async def active_agent(livekit: api.LiveKitAPI, room: str, other_than: str = "") -> str:
    """Return the identity of an agent whose connection stands.

    The jobs of the scripted worker share a process, which the removal of an agent that is still
    connecting ends (livekit-agents 1.8.9).
    """
    found: list[str] = []

    async def is_there() -> bool:
        listed = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        found[:] = [
            agent.identity
            for agent in listed.participants
            if agent.kind == api.ParticipantInfo.AGENT
            and agent.state == api.ParticipantInfo.ACTIVE
            and agent.identity != other_than
        ]
        return bool(found)

    await until(is_there)
    return found[0]


@pytest.mark.parametrize("identity", NAMES, ids=ascii)
async def test_given_a_name_of_today_s_users_then_they_talk_to_an_agent_and_are_forgotten(
    staged: Staged, identity: str
) -> None:
    async with staged.clients() as (http, livekit), user() as participant:
        started = await start(http, identity)
        room = started["roomName"]

        await join(participant, started)
        assert participant.local_participant.identity == identity
        shown = await session_becomes(http, room, status="active")
        assert (shown["sessionId"], shown["userIdentity"]) == (started["sessionId"], identity)
        assert shown["callId"] is None
        await active_agent(livekit, room)

        found = (await http.get("/sessions", params={"userIdentity": identity})).json()
        assert [session["sessionId"] for session in found["sessions"]] == [started["sessionId"]]
        await http.post("/session/end", json={"roomName": room})
        await until(lambda: not participant.isconnected())
        assert await rooms_of(livekit, room) == 0

    erased = await forget(staged, identity)
    assert erased.startswith("Erased 1 sessions")
    assert " 0 webhook events" not in erased
    await until(lambda: is_forgotten(staged, identity))  # LiveKit still reports what has ended
    async with staged.clients() as (http, _):
        assert (await http.get(f"/sessions/{started['sessionId']}")).status_code == 404


async def test_given_an_agent_that_left_a_user_of_any_name_then_another_one_comes(
    staged: Staged,
) -> None:
    """The service finds the person in LiveKit's list, and in the webhook."""
    async with staged.clients() as (http, livekit), user() as participant:
        started = await start(http, "👩‍🚀 +15105550100")
        room = started["roomName"]
        await join(participant, started)
        await session_becomes(http, room, status="active")
        agent = await active_agent(livekit, room)

        removed = api.RoomParticipantIdentity(room=room, identity=agent)
        await livekit.room.remove_participant(removed)

        assert await active_agent(livekit, room, other_than=agent)
        await http.post("/session/end", json={"roomName": room})


async def test_given_the_largest_options_then_livekit_takes_the_token(staged: Staged) -> None:
    options: dict[str, Any] = {
        "participantName": "é" * 128,
        "participantMetadata": "m" * MAX_METADATA_BYTES,
        "participantAttributes": {"a": "x" * (MAX_ATTRIBUTES_BYTES - 1)},
        "tokenTtlSeconds": 3600,
    }
    async with staged.clients() as (http, livekit), user() as participant:
        started = await start(http, "sip_largest", **options)

        await participant.connect(started["livekitUrl"], started["userToken"])

        listed = await livekit.room.get_participant(
            api.RoomParticipantIdentity(room=started["roomName"], identity="sip_largest")
        )
        assert listed.name == options["participantName"]
        assert listed.metadata == options["participantMetadata"]
        assert listed.attributes["a"] == options["participantAttributes"]["a"]
        assert listed.attributes["backend-livekit.user"] == "true"


async def test_given_a_renewed_token_then_the_same_user_comes_back_to_the_same_agent(
    staged: Staged,
) -> None:
    async with staged.clients() as (http, livekit):
        started = await start(http, "ann@example.com", participantName="Ann")
        room = started["roomName"]
        async with user() as participant:
            await join(participant, started)
            agent = await active_agent(livekit, room)

            renewed = await http.post(
                "/session/token",
                json={"sessionId": started["sessionId"], "participantName": "Ann again"},
            )
            assert renewed.status_code == 200, renewed.text

            async with user() as again:
                await again.connect(renewed.json()["livekitUrl"], renewed.json()["userToken"])
                await until(lambda: not participant.isconnected())  # one identity, one participant
                assert again.local_participant.name == "Ann again"
                assert await agents(livekit, room) == [agent]
        await http.post("/session/end", json={"roomName": room})
        ended = await http.post("/session/token", json={"roomName": room})
        assert (ended.status_code, ended.json()["code"]) == (409, "session_ended")
        assert await rooms_of(livekit, room) == 0
