"""Telephone calls: a participant of kind SIP on a real server, with a real worker's agent.

There is no SIP gateway here: the participant joins by a token that says what a gateway's says.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from livekit import api, rtc

from tests.live.conftest import AGENT_NAME, Worker
from tests.live.steps import agents, dispatches, has_agents, received_metadata, until
from tests.livekit_server import LiveKitServer
from tests.service import Service, running, start

CALLER = "sip_+15105550100"
ATTRIBUTES = {
    "sip.callID": "SCL_live",
    "sip.phoneNumber": "+1 510-555-0100",
    "sip.trunkPhoneNumber": "+15105550123",
    "sip.trunkID": "ST_live",
    "sip.ruleID": "SDR_live",
}


@pytest.fixture
def telephony_environ(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """A service with a ledger of its own, that looks every second."""
    return {
        **environ,
        "AGENT_NAME": AGENT_NAME,
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/ledger.db",
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "1",
    }


@pytest.fixture
def told_environ(telephony_environ: dict[str, str], telephony_port: int) -> dict[str, str]:
    """A service that LiveKit's webhooks reach."""
    return {**telephony_environ, "PORT": str(telephony_port)}


@pytest.fixture
def told(told_environ: dict[str, str], worker: Worker, tmp_path: Path) -> Iterator[Service]:
    """It runs."""
    with running(told_environ, tmp_path) as service:
        yield service


@pytest.fixture
def untold(telephony_environ: dict[str, str], worker: Worker, tmp_path: Path) -> Iterator[Service]:
    """A service that no webhook reaches: LiveKit posts them where nobody listens."""
    with running(telephony_environ, tmp_path) as service:
        yield service


@pytest.fixture
def room() -> str:
    """As LiveKit's dispatch rules name them."""
    return f"call-_+15105550100_{time.monotonic_ns()}"


@asynccontextmanager
async def on_the_phone(
    server: LiveKitServer, room: str, identity: str = CALLER, status: str = "active"
) -> AsyncIterator[rtc.Room]:
    """Somebody who has called; they hang up at the end of the block."""
    token = (
        api.AccessToken(server.api_key, server.api_secret)
        .with_identity(identity)
        .with_kind("sip")
        .with_attributes({**ATTRIBUTES, "sip.callStatus": status})
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .to_jwt()
    )
    phone = rtc.Room()
    await phone.connect(server.url, token)
    microphone = rtc.LocalAudioTrack.create_audio_track("phone", rtc.AudioSource(48000, 1))
    await phone.local_participant.publish_track(microphone)
    try:
        yield phone
    finally:
        await phone.disconnect()


async def call_in(service: Service, room: str) -> dict[str, Any] | None:
    async with httpx.AsyncClient(base_url=service.url) as http:
        answer = await http.get(f"/telephony/calls/by-room/{room}")
        if answer.status_code == 404:
            return None
        call: dict[str, Any] = answer.raise_for_status().json()
        return call


async def call_becomes(
    service: Service, room: str, seconds: float = 20, **expected: object
) -> dict[str, Any]:
    """The room's call once its fields are as expected."""
    call: dict[str, Any] | None = None

    async def is_so() -> bool:
        nonlocal call
        call = await call_in(service, room)
        return call is not None and expected.items() <= call.items()

    try:
        await until(is_so, seconds)
    except TimeoutError:
        raise AssertionError(f"not {expected} but {call}") from None
    assert call is not None
    return call


def told_by(call: dict[str, Any], what: str) -> str:
    (source,) = [entry["source"] for entry in call["timeline"] if entry["what"] == what]
    return str(source)


async def test_given_a_caller_then_the_agent_comes_with_the_calls_metadata_and_the_end_is_kept(
    told: Service, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    async with on_the_phone(server, f"{room}-warm-up"):
        await until(lambda: has_agents(livekit, f"{room}-warm-up", 1))

    began = time.monotonic()
    async with on_the_phone(server, room) as phone:
        await until(lambda: has_agents(livekit, room, 1))
        waited = time.monotonic() - began
        assert waited < 2, f"the caller waited for {waited:.1f} s"
        call = await call_becomes(told, room, status="active", agentDispatched=True)
        metadata = json.loads(await received_metadata(phone))
    assert {key: call[key] for key in ("from", "to", "direction", "participantIdentity")} == {
        "from": "+15105550100",
        "to": "+15105550123",
        "direction": "inbound",
        "participantIdentity": CALLER,
    }
    assert (call["trunkId"], call["dispatchRuleId"]) == ("ST_live", "SDR_live")
    assert call["sipCallId"] == "SCL_live"
    assert call["roomSid"].startswith("RM_")
    assert metadata["call_id"] == call["callId"]
    assert metadata["session_id"] == call["sessionId"]
    assert metadata["caller_number"] == "+15105550100"
    assert metadata["called_number"] == "+15105550123"
    assert metadata["direction"] == "inbound"
    assert metadata["noise_cancellation_type"] == "telephony"

    ended = await call_becomes(told, room, status="ended")
    assert ended["disconnectReason"] == "CLIENT_INITIATED"
    assert 0 < ended["durationSeconds"] < 30
    assert [entry["what"] for entry in ended["timeline"]] == [
        "joined",
        "active",
        "agent_dispatched",
        "left",
    ]
    assert {told_by(ended, what) for what in ("joined", "active", "left")} == {"webhook"}
    await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
    async with httpx.AsyncClient(base_url=told.url) as http:

        async def is_over() -> bool:
            session = (await http.get(f"/sessions/{ended['sessionId']}")).json()
            return bool(session["endReason"] == "room_finished")

        await until(is_over)


async def test_given_a_call_rings_then_it_is_active_once_it_is_answered(
    told: Service, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    """LiveKit sends no webhook of that: the reconciler follows."""
    async with on_the_phone(server, room, status="ringing"):
        await call_becomes(told, room, status="ringing")
        await livekit.room.update_participant(
            api.UpdateParticipantRequest(
                room=room, identity=CALLER, attributes={"sip.callStatus": "active"}
            )
        )
        call = await call_becomes(told, room, status="active")
        assert told_by(call, "active") == "reconciler"


async def test_given_two_telephones_in_a_room_then_there_are_two_calls_and_one_agent(
    told: Service, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    async with (
        on_the_phone(server, room),
        on_the_phone(server, room, "sip_+15105550101"),
        httpx.AsyncClient(base_url=told.url) as http,
    ):

        async def both_are_served() -> bool:
            answer = await http.get("/telephony/calls", params={"roomName": room})
            calls = answer.json()["calls"]
            return len(calls) == 2 and all(call["agentDispatched"] for call in calls)

        await until(both_are_served)
        await until(lambda: has_agents(livekit, room, 1))
        assert len(await dispatches(livekit, room)) == 1


async def test_given_the_agent_vanishes_from_a_call_then_another_comes_and_never_two(
    told: Service, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    async with on_the_phone(server, room):
        await until(lambda: has_agents(livekit, room, 1))
        (gone,) = await agents(livekit, room)
        await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=gone))
        seen: list[list[str]] = []

        async def another() -> bool:
            seen.append(await agents(livekit, room))
            return bool(seen[-1]) and seen[-1] != [gone]

        await until(another, 30)
        assert max(map(len, seen)) == 1


async def test_given_no_webhook_comes_then_the_reconciler_finds_serves_and_ends_the_call(
    untold: Service, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    async with on_the_phone(server, room):
        call = await call_becomes(untold, room, status="active", agentDispatched=True)
        await until(lambda: has_agents(livekit, room, 1))
        assert call["from"] == "+15105550100"
    ended = await call_becomes(untold, room, status="ended")
    assert ended["durationSeconds"] > 0
    assert {told_by(ended, what) for what in ("joined", "active", "left")} == {"reconciler"}


@pytest.mark.usefixtures("worker")
async def test_given_the_service_is_killed_before_a_caller_joins_then_they_are_served_after_it(
    told_environ: dict[str, str],
    server: LiveKitServer,
    livekit: api.LiveKitAPI,
    room: str,
    tmp_path: Path,
) -> None:
    start(told_environ, tmp_path).kill()
    async with on_the_phone(server, room):
        await asyncio.sleep(2)
        with running(told_environ, tmp_path) as again:
            await call_becomes(again, room, status="active", agentDispatched=True)
            await until(lambda: has_agents(livekit, room, 1))
            assert len(await dispatches(livekit, room)) == 1
