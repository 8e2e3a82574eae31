"""What the live tests do and look at, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from livekit import api, rtc

from tests.live.conftest import AGENT_NAME

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
