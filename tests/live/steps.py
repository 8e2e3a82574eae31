"""What the live tests do and look at, again and again."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
import httpx
import numpy as np
from livekit import api, rtc

from tests.live.conftest import AGENT_NAME
from tests.livekit_server import LiveKitServer

CALLER = "sip_+15105550100"
SIP_ATTRIBUTES = {
    "sip.callID": "SCL_live",
    "sip.phoneNumber": "+1 510-555-0100",
    "sip.trunkPhoneNumber": "+15105550123",
    "sip.trunkID": "ST_live",
    "sip.ruleID": "SDR_live",
}
LOOKS_AGAIN_SECONDS = 2.0  # twice, where the interval is a second
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.05)


async def post(http: httpx.AsyncClient, identity: str, room: str, **config: Any) -> dict[str, Any]:
    body = {"userIdentity": identity, "roomName": room, "agentConfig": config}
    answer = await http.post("/session", json=body)
    assert answer.status_code == 200, answer.text
    started: dict[str, Any] = answer.json()
    return started


async def agents(livekit: api.LiveKitAPI, room: str) -> list[str]:
    answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
    return [who.identity for who in answer.participants if who.kind == api.ParticipantInfo.AGENT]


async def has_agents(livekit: api.LiveKitAPI, room: str, number: int) -> bool:
    return len(await agents(livekit, room)) == number


async def dispatches(livekit: api.LiveKitAPI, room: str) -> list[api.AgentDispatch]:
    listed = await livekit.agent_dispatch.list_dispatch(room)
    return [dispatch for dispatch in listed if dispatch.agent_name == AGENT_NAME]


async def rooms(livekit: api.LiveKitAPI, room: str) -> int:
    return len((await livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms)


async def agent_joins(http: httpx.AsyncClient, livekit: api.LiveKitAPI, room: str) -> None:
    """Return once one agent is in the room.

    On a busy machine LiveKit drops a job that no worker has taken in time, for ever: what a user
    does then is to come again, once the agent counts as gone.
    """
    for _ in range(4):
        try:
            return await until(lambda: has_agents(livekit, room, 1), 11)
        except TimeoutError:
            await post(http, "impatient", room)
    raise TimeoutError("the agent did not join")


async def join(participant: rtc.Room, started: dict[str, Any]) -> rtc.AudioSource:
    """Join with what POST /session answered, microphone on; what it hears is returned.

    LiveKit tells at once that somebody with a track has left, of others seconds later.
    """
    await participant.connect(started["livekitUrl"], started["userToken"])
    source = rtc.AudioSource(48000, 1)
    microphone = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    await participant.local_participant.publish_track(
        microphone, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    )
    return source


async def speak(microphone: rtc.AudioSource) -> None:
    """A tone of half a second, and as much silence."""
    tone = 6000 * np.sin(math.tau * 440 * np.arange(24_000) / 48_000)
    for samples in np.split(np.concatenate([tone, np.zeros(24_000)]).astype(np.int16), 100):
        await microphone.capture_frame(rtc.AudioFrame(samples.tobytes(), 48_000, 1, len(samples)))


async def received_metadata(participant: rtc.Room) -> str:
    """The dispatch metadata, as the agent in the participant's room tells it."""
    async with asyncio.timeout(20):
        while True:
            others = list(participant.remote_participants.values())
            for agent in (who for who in others if who.kind == AGENT):
                try:
                    return await participant.local_participant.perform_rpc(
                        destination_identity=agent.identity, method="metadata", payload=""
                    )
                except rtc.RpcError:  # it has not registered the method yet
                    continue
            await asyncio.sleep(0.1)


def room_of_a_call() -> str:
    """A new name, as LiveKit's dispatch rules make them."""
    return f"call-_+15105550100_{uuid.uuid4().hex[:12]}"


def token(server: LiveKitServer, room: str, identity: str) -> api.AccessToken:
    """What another program gives a participant, to be completed."""
    return (
        api.AccessToken(server.api_key, server.api_secret)
        .with_identity(identity)
        .with_grants(api.VideoGrants(room_join=True, room=room))
    )


@asynccontextmanager
async def on_the_phone(
    server: LiveKitServer,
    room: str,
    identity: str = CALLER,
    status: str = "active",
    agents_by_rule: Sequence[str] = (),
) -> AsyncIterator[rtc.Room]:
    """Somebody who has called; they hang up at the end of the block.

    There is no SIP gateway here: they join by a token that says what a gateway's says. A dispatch
    rule's ``roomConfig.agents`` are in it too.
    """
    ticket = (
        token(server, room, identity)
        .with_kind("sip")
        .with_attributes({**SIP_ATTRIBUTES, "sip.callStatus": status})
    )
    if agents_by_rule:
        rule = [api.RoomAgentDispatch(agent_name=name) for name in agents_by_rule]
        ticket = ticket.with_room_config(api.RoomConfiguration(agents=rule))
    phone = rtc.Room()
    await phone.connect(server.url, ticket.to_jwt())
    try:
        microphone = rtc.LocalAudioTrack.create_audio_track("phone", rtc.AudioSource(48000, 1))
        await phone.local_participant.publish_track(microphone)
        yield phone
    finally:
        await phone.disconnect()


@attrs.define
class Sightings:
    """What was seen in a room in the course of time."""

    most_agents: int = 0
    dispatches: set[str] = attrs.field(factory=set)


@asynccontextmanager
async def watched(livekit: api.LiveKitAPI, room: str) -> AsyncIterator[Sightings]:
    """What is seen in the block, and until the reconciler has looked twice more."""
    seen = Sightings()

    async def watch() -> None:
        while True:
            seen.most_agents = max(seen.most_agents, len(await agents(livekit, room)))
            with suppress(api.TwirpError):  # the room has just closed
                if await rooms(livekit, room):
                    seen.dispatches.update(one.id for one in await dispatches(livekit, room))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    try:
        yield seen
        await asyncio.sleep(LOOKS_AGAIN_SECONDS)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


@asynccontextmanager
async def never_two_agents(livekit: api.LiveKitAPI, room: str) -> AsyncIterator[None]:
    """There is an agent in the block, and never two, until the reconciler has looked once more."""
    async with watched(livekit, room) as seen:
        yield
    assert seen.most_agents == 1


async def has_only(livekit: api.LiveKitAPI, room: str, agent: str) -> bool:
    """Whether ``agent`` is the room's only one, and so is its dispatch."""
    return (
        await agents(livekit, room) == [agent]
        and await rooms(livekit, room) == 1
        and len(await dispatches(livekit, room)) == 1
    )


async def calls_in(http: httpx.AsyncClient, room: str) -> dict[str, dict[str, Any]]:
    """By who calls."""
    answer = await http.get("/telephony/calls", params={"roomName": room})
    calls = answer.raise_for_status().json()["calls"]
    by_caller = {call["participantIdentity"]: call for call in calls}
    assert len(by_caller) == len(calls)
    return by_caller


async def call_becomes(
    http: httpx.AsyncClient, room: str, seconds: float = 20, **expected: object
) -> dict[str, Any]:
    """The room's call once its fields are as expected."""
    return await _becomes(http, f"/telephony/calls/by-room/{room}", seconds, expected)


async def session_becomes(
    http: httpx.AsyncClient, room: str, seconds: float = 60, **expected: object
) -> dict[str, Any]:
    """The room's session once its fields are as expected."""
    return await _becomes(http, f"/sessions/by-room/{room}", seconds, expected)


async def _becomes(
    http: httpx.AsyncClient, path: str, seconds: float, expected: dict[str, object]
) -> dict[str, Any]:
    found: dict[str, Any] | None = None

    async def is_so() -> bool:
        nonlocal found
        answer = await http.get(path)
        found = None if answer.status_code == 404 else answer.raise_for_status().json()
        return found is not None and expected.items() <= found.items()

    try:
        await until(is_so, seconds)
    except TimeoutError:
        raise AssertionError(f"not {expected} but {found}") from None
    assert found is not None
    return found


async def session_ends(http: httpx.AsyncClient, session_id: str, reason: str) -> None:
    async def has_ended() -> bool:
        session = (await http.get(f"/sessions/{session_id}")).raise_for_status().json()
        return (session["status"], session["endReason"]) == ("ended", reason)

    await until(has_ended)


def timeline(record: dict[str, Any]) -> list[tuple[str, str]]:
    """What happened in a call or a session, and who told."""
    return [(entry["what"], entry["source"]) for entry in record["timeline"]]


def happenings(record: dict[str, Any]) -> list[str]:
    """What happened in a call or a session."""
    return [entry["what"] for entry in record["timeline"]]
