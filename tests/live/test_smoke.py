"""One session and one phone call for real: what `make test` runs of this tier."""

from __future__ import annotations

import asyncio
import json
import uuid

import httpx
from livekit import api, rtc

from domain.agents.agent_config import DEFAULTS
from tests.live.steps import (
    AGENT,
    CALLER,
    agent_joins,
    call_becomes,
    dispatches,
    has_agents,
    on_the_phone,
    post,
    received_metadata,
    room_of_a_call,
    until,
)
from tests.livekit_server import LiveKitServer


async def test_a_user_meets_the_agent_that_got_exactly_the_metadata(
    telephony_http: httpx.AsyncClient, livekit: api.LiveKitAPI, participant: rtc.Room
) -> None:
    mine = {"tenant": {"ids": [1, 2.5, -0.0, 10**20], "tags": [], "who": "Ünï \u0000 \U0001f600"}}
    config = {**mine, "greeting": "Hello there!", "llm": "openai/gpt-4.1", "stt": None}
    room, heard = f"live-{uuid.uuid4()}", asyncio.Event()
    participant.on("track_subscribed", lambda *_: heard.set())

    started = await post(telephony_http, "ann", room, **config)
    await participant.connect(started["livekitUrl"], started["userToken"])
    await agent_joins(telephony_http, livekit, room)
    await until(lambda: bool(participant.remote_participants))
    [agent] = participant.remote_participants.values()
    await asyncio.wait_for(heard.wait(), 60)
    received = await received_metadata(participant)

    assert agent.kind == AGENT
    assert participant.local_participant.identity == "ann"
    assert json.loads(received) == {
        **DEFAULTS,
        **mine,
        "greeting": "Hello there!",
        "llm": "openai/gpt-4.1",
        "session_id": started["sessionId"],
    }
    assert repr(json.loads(received)["tenant"]) == repr(mine["tenant"])


async def test_given_a_caller_then_the_agent_comes_with_the_calls_metadata(
    telephony_http: httpx.AsyncClient, server: LiveKitServer, livekit: api.LiveKitAPI
) -> None:
    room = room_of_a_call()
    async with on_the_phone(server, room) as phone:
        call = await call_becomes(telephony_http, room, status="active", agentDispatched=True)
        await until(lambda: has_agents(livekit, room, 1))
        metadata = json.loads(await received_metadata(phone))
        assert len(await dispatches(livekit, room)) == 1

    assert (
        call.items()
        >= {
            "from": "+15105550100",
            "to": "+15105550123",
            "direction": "inbound",
            "trunkId": "ST_live",
            "dispatchRuleId": "SDR_live",
            "sipCallId": "SCL_live",
            "participantIdentity": CALLER,
            "roomName": room,
        }.items()
    )
    assert call["roomSid"].startswith("RM_")
    assert (
        metadata.items()
        >= {
            "call_id": call["callId"],
            "session_id": call["sessionId"],
            "caller_number": "+15105550100",
            "called_number": "+15105550123",
            "direction": "inbound",
            "noise_cancellation_type": "telephony",
        }.items()
    )
