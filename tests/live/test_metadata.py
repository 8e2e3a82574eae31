"""What the worker gets, against the contract's own words rather than the code's."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import jwt
import pytest
from livekit import api, rtc

from tests.live.steps import agent_joins, join, post, received_metadata, rooms

pytestmark = pytest.mark.slow

CONTRACT: Final[dict[str, Any]] = {
    "stt": "assemblyai/universal-streaming:en",
    "tts": "cartesia/sonic-3:9626c31c-bec5-4cca-baa8-f8ba9e84c8bc",
    "llm": "openai/gpt-4o-mini",
    "greeting": None,
    "realtime": False,
    "realtime_model": "gpt-4o-realtime-preview",
    "realtime_voice": "sage",
    "vad_enabled": True,
    "turn_detection_enabled": True,
    "noise_cancellation_enabled": True,
    "noise_cancellation_type": "auto",
}
OTHERS: Final[dict[str, Any]] = {
    "stt": "deepgram/nova-3",
    "tts": "elevenlabs/eleven_turbo_v2_5",
    "llm": "openai/gpt-4.1",
    "prompt": "Sei höflich.\nUnd kurz.",
    "greeting": "Grüß Gott!",
    "realtime": True,
    "realtime_model": "gpt-realtime",
    "realtime_voice": "marin",
    "vad_enabled": False,
    "turn_detection_enabled": False,
    "noise_cancellation_enabled": False,
    "noise_cancellation_type": "telephony",
}
UNKNOWN: Final[list[dict[str, Any]]] = [
    {"": None, "null": None, "nested": {"null": None, "empty": {}, "list": [[], [None, {}]]}},
    {"numbers": [0, -0.0, 1e-300, 1.5e300, 2**53 + 1, 10**30, 0.1]},
    {"text": ["", " ", "\u0000", "\u2028", "\U0001f600", '"\\/', "</script>"]},
    {"callId": "mine", "STT": 5, "prompt ": False, "__proto__": {"a": 1}},
]


async def test_without_a_configuration_the_worker_gets_every_default_of_the_contract(
    http: httpx.AsyncClient, livekit: api.LiveKitAPI, participant: rtc.Room, room: str
) -> None:
    answer = await http.post("/session", json={"userIdentity": "ann", "roomName": room})
    started = answer.json()
    await join(participant, started)
    await agent_joins(http, livekit, room)

    received = json.loads(await received_metadata(participant))

    prompt = received.pop("prompt")
    assert isinstance(prompt, str)
    assert prompt
    assert received == {**CONTRACT, "session_id": started["sessionId"]}


@pytest.mark.parametrize(
    "config", [OTHERS, *UNKNOWN], ids=["known", "nulls", "numbers", "texts", "near misses"]
)
async def test_what_the_caller_configures_arrives_as_it_was(
    http: httpx.AsyncClient,
    livekit: api.LiveKitAPI,
    participant: rtc.Room,
    room: str,
    config: dict[str, Any],
) -> None:
    started = await post(http, "ann", room, **config)
    await join(participant, started)
    await agent_joins(http, livekit, room)

    received = json.loads(await received_metadata(participant))

    sent = {key: received[key] for key in config}
    assert repr(sent) == repr(config)  # repr tells -0.0 from 0, 1 from 1.0 and True
    unsent = {key: received[key] for key in received.keys() - config.keys() - {"prompt"}}
    assert unsent == {
        **{key: value for key, value in CONTRACT.items() if key not in config},
        "session_id": started["sessionId"],
    }


async def test_the_token_is_for_one_room_and_for_nothing_else(
    http: httpx.AsyncClient,
    livekit: api.LiveKitAPI,
    participant: rtc.Room,
    room: str,
) -> None:
    started = await post(http, "ann", room)
    claims = jwt.decode(started["userToken"], options={"verify_signature": False})
    base = started["livekitUrl"].replace("ws", "http", 1)
    other = f"{room}-other"

    async with httpx.AsyncClient(
        base_url=base, headers={"Authorization": f"Bearer {started['userToken']}"}
    ) as user:
        await user.get("/rtc/validate", params={"room": other})
        refused = [
            await user.post(f"/twirp/livekit.RoomService/{method}", json=body)
            for method, body in (
                ("ListRooms", {}),
                ("CreateRoom", {"name": other}),
                ("DeleteRoom", {"room": room}),
                ("ListParticipants", {"room": room}),
                ("RemoveParticipant", {"room": room, "identity": "bob"}),
            )
        ]
    await participant.connect(f"{started['livekitUrl']}?room={other}", started["userToken"])

    assert claims["sub"] == "ann"
    assert claims["video"] == {
        "room": room,
        "roomJoin": True,
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
    }
    assert claims["exp"] - claims["nbf"] == 600
    assert [answer.status_code for answer in refused] == [401] * len(refused)
    assert participant.name == room
    assert await rooms(livekit, other) == 0
