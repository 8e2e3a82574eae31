"""Telephone calls that LiveKit's webhooks tell of: real server, real worker, phone participants."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime
from typing import Any

import httpx
import pytest
from livekit import api, rtc

from tests.live.steps import (
    CALLER,
    agents,
    call_becomes,
    calls_in,
    dispatches,
    happenings,
    has_agents,
    never_two_agents,
    on_the_phone,
    post,
    room_of_a_call,
    session_ends,
    timeline,
    until,
)
from tests.livekit_server import LiveKitServer

pytestmark = pytest.mark.slow

ANOTHER_CALLER = "sip_+15105550101"
GRACE_SECONDS = 5  # an agent that fails at once must not be dispatched in a circle


@pytest.fixture
def room() -> str:
    return room_of_a_call()


async def test_given_a_call_when_the_caller_hangs_up_then_its_end_is_kept_and_the_room_ends_it_all(
    telephony_http: httpx.AsyncClient, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    async with on_the_phone(server, room):
        await call_becomes(telephony_http, room, agentDispatched=True)
        await until(lambda: has_agents(livekit, room, 1))
        await asyncio.sleep(0.5)

    call = await call_becomes(telephony_http, room, status="ended")
    assert call["disconnectReason"] == "CLIENT_INITIATED"
    assert 0 < call["durationSeconds"] < 30
    assert timeline(call) == [
        ("joined", "webhook"),
        ("active", "webhook"),
        ("routed", "api"),
        ("agent_dispatched", "api"),
        ("left", "webhook"),
    ]
    await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
    await session_ends(telephony_http, call["sessionId"], "room_finished")


async def test_given_a_call_rings_when_it_is_answered_then_it_is_active_though_no_webhook_says_so(
    telephony_http: httpx.AsyncClient, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    async with on_the_phone(server, room, status="ringing"):
        ringing = await call_becomes(telephony_http, room, status="ringing")
        assert ringing["answeredAt"] is None
        await asyncio.sleep(1.5)  # the reconciler has looked
        await call_becomes(telephony_http, room, seconds=0.5, status="ringing")

        await livekit.room.update_participant(
            api.UpdateParticipantRequest(
                room=room, identity=CALLER, attributes={"sip.callStatus": "active"}
            )
        )

        active = await call_becomes(telephony_http, room, status="active")
    assert active["answeredAt"] > ringing["createdAt"]
    assert "ringing" in happenings(active)
    assert ("active", "reconciler") in timeline(active)


async def test_given_two_telephones_in_a_room_then_there_are_two_calls_and_one_agent(
    telephony_http: httpx.AsyncClient, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    async def both_are_served() -> bool:
        calls = await calls_in(telephony_http, room)
        return len(calls) == 2 and all(call["agentDispatched"] for call in calls.values())

    async def second_has_ended() -> bool:
        return bool((await calls_in(telephony_http, room))[ANOTHER_CALLER]["status"] == "ended")

    async with on_the_phone(server, room), never_two_agents(livekit, room):
        async with on_the_phone(server, room, ANOTHER_CALLER):
            await until(both_are_served)
            await until(lambda: has_agents(livekit, room, 1))
            [agent] = await agents(livekit, room)
        await until(second_has_ended)

        calls = await calls_in(telephony_http, room)
        assert calls[CALLER]["status"] == "active"
        assert calls[CALLER]["sessionId"] == calls[ANOTHER_CALLER]["sessionId"]
        assert calls[CALLER]["callId"] != calls[ANOTHER_CALLER]["callId"]
        assert await agents(livekit, room) == [agent]
        assert len(await dispatches(livekit, room)) == 1


async def test_given_a_call_when_its_agent_vanishes_then_another_comes_after_the_grace_and_no_third(
    telephony_http: httpx.AsyncClient, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    async with on_the_phone(server, room), never_two_agents(livekit, room):
        before = await call_becomes(telephony_http, room, agentDispatched=True)
        await until(
            lambda: is_active(telephony_http, before["sessionId"])
        )  # its agent has been seen
        [gone] = await agents(livekit, room)

        await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=gone))
        await until(lambda: has_agents(livekit, room, 0))
        await until(lambda: has_agents(livekit, room, 1), 30)

        joined = await joined_at(livekit, room)
        [successor] = joined.keys() - {CALLER}
        assert successor != gone
        first_dispatch = datetime.fromisoformat(when(before, "agent_dispatched")).timestamp()
        # The entry is written a moment after the dispatch from which the grace counts.
        assert joined[successor] - first_dispatch > GRACE_SECONDS - 0.5
        assert len(await dispatches(livekit, room)) == 1
        after = await call_becomes(telephony_http, room, status="active")
        assert after["sessionId"] == before["sessionId"]


async def is_active(telephony_http: httpx.AsyncClient, session_id: str) -> bool:
    session = (await telephony_http.get(f"/sessions/{session_id}")).raise_for_status().json()
    return bool(session["status"] == "active")


async def joined_at(livekit: api.LiveKitAPI, room: str) -> dict[str, float]:
    """When each in the room joined, by the server's clock."""
    answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
    return {who.identity: who.joined_at_ms / 1000 for who in answer.participants}


def when(call: dict[str, Any], what: str) -> str:
    [at] = [entry["at"] for entry in call["timeline"] if entry["what"] == what]
    return str(at)


async def session_becomes_active(telephony_http: httpx.AsyncClient, session_id: str) -> None:
    """Return once the service has handled the agent's webhook, and so the user's before it."""

    async def is_active() -> bool:
        answer = await telephony_http.get(f"/sessions/{session_id}")
        return bool(answer.json()["status"] == "active")

    await until(is_active)


async def test_given_a_user_whose_identity_is_like_a_telephone_s_then_the_session_has_no_call(
    telephony_http: httpx.AsyncClient, livekit: api.LiveKitAPI, participant: rtc.Room
) -> None:
    room = f"room-{uuid.uuid4()}"
    started = await post(telephony_http, "sip_ann", room)
    await participant.connect(started["livekitUrl"], started["userToken"])
    await until(lambda: has_agents(livekit, room, 1))
    await session_becomes_active(telephony_http, started["sessionId"])
    # LiveKit ignores both, since the token has no canUpdateOwnMetadata.
    await participant.local_participant.set_attributes({"backend-livekit.user": ""})
    await participant.local_participant.set_attributes({"sip.callID": "SCL_1"})
    await asyncio.sleep(1)
    listed = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))

    [user] = [one for one in listed.participants if one.identity == "sip_ann"]
    assert dict(user.attributes) == {"backend-livekit.user": "true"}
    assert await calls_in(telephony_http, room) == {}
    assert len(await dispatches(livekit, room)) == 1
