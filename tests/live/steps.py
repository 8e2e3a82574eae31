"""What the live tests do and look at, again and again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
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
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 20) -> None:
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


async def join(participant: rtc.Room, started: dict[str, Any]) -> None:
    """Join with what POST /session answered, microphone on.

    LiveKit tells at once that somebody with a track has left, of others seconds later.
    """
    await participant.connect(started["livekitUrl"], started["userToken"])
    microphone = rtc.LocalAudioTrack.create_audio_track("microphone", rtc.AudioSource(48000, 1))
    await participant.local_participant.publish_track(
        microphone, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    )


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


@asynccontextmanager
async def on_the_phone(
    server: LiveKitServer, room: str, identity: str = CALLER, status: str = "active"
) -> AsyncIterator[rtc.Room]:
    """Somebody who has called; they hang up at the end of the block.

    There is no SIP gateway here: they join by a token that says what a gateway's says.
    """
    token = (
        api.AccessToken(server.api_key, server.api_secret)
        .with_identity(identity)
        .with_kind("sip")
        .with_attributes({**SIP_ATTRIBUTES, "sip.callStatus": status})
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .to_jwt()
    )
    phone = rtc.Room()
    await phone.connect(server.url, token)
    try:
        microphone = rtc.LocalAudioTrack.create_audio_track("phone", rtc.AudioSource(48000, 1))
        await phone.local_participant.publish_track(microphone)
        yield phone
    finally:
        await phone.disconnect()


@asynccontextmanager
async def never_two_agents(livekit: api.LiveKitAPI, room: str) -> AsyncIterator[None]:
    """There is an agent in the block, and never two, until the reconciler has looked once more."""
    numbers: list[int] = []

    async def watch() -> None:
        while True:
            numbers.append(len(await agents(livekit, room)))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    try:
        yield
        await asyncio.sleep(2)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    assert max(numbers) == 1


async def call_in(http: httpx.AsyncClient, room: str) -> dict[str, Any] | None:
    answer = await http.get(f"/telephony/calls/by-room/{room}")
    if answer.status_code == 404:
        return None
    call: dict[str, Any] = answer.raise_for_status().json()
    return call


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
    call: dict[str, Any] | None = None

    async def is_so() -> bool:
        nonlocal call
        call = await call_in(http, room)
        return call is not None and expected.items() <= call.items()

    try:
        await until(is_so, seconds)
    except TimeoutError:
        raise AssertionError(f"not {expected} but {call}") from None
    assert call is not None
    return call


async def session_ends(http: httpx.AsyncClient, session_id: str, reason: str) -> None:
    async def has_ended() -> bool:
        session = (await http.get(f"/sessions/{session_id}")).raise_for_status().json()
        return (session["status"], session["endReason"]) == ("ended", reason)

    await until(has_ended)


def timeline(call: dict[str, Any]) -> list[tuple[str, str]]:
    """What happened in the call, and who told."""
    return [(entry["what"], entry["source"]) for entry in call["timeline"]]
