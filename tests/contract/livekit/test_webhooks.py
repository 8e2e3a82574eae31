"""Webhooks, as LiveKit's own receiver reads them: the simulator's and the real server's."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from livekit.api import (
    CreateRoomRequest,
    DeleteRoomRequest,
    LiveKitAPI,
    ParticipantInfo,
    TokenVerifier,
    WebhookEvent,
    WebhookReceiver,
)
from livekit.protocol.models import DisconnectReason, Room

from entrypoints.simulator.chaos import Chaos
from entrypoints.simulator.server import Simulator
from entrypoints.simulator.webhooks import signed_webhook
from tests.contract.livekit.webhook_inbox import Inbox, open_inbox, simulator_posting_to
from tests.livekit_server import API_KEY, API_SECRET, livekit_server


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with open_inbox() as inbox:
        yield inbox


@pytest.fixture
async def simulator(inbox: Inbox) -> AsyncIterator[Simulator]:
    async with simulator_posting_to(inbox) as simulator:
        yield simulator


@contextlib.asynccontextmanager
async def serving(kind: str, inbox: Inbox, folder: Path) -> AsyncIterator[str]:
    """The address of a server of this kind that posts to ``inbox``."""
    if kind == "simulator":
        async with Simulator(API_KEY, API_SECRET, webhook_urls=[inbox.url]) as simulator:
            yield simulator.url
    else:
        with livekit_server(folder, webhook_urls=[inbox.url]) as server:
            yield server.url


async def record(simulator: Simulator) -> dict[str, Any]:
    """The simulator's record of its events."""
    async with aiohttp.ClientSession(simulator.url.replace("ws", "http")) as session:
        answer: dict[str, Any] = await (await session.get("/simulator/webhooks")).json()
        return answer


@pytest.mark.parametrize("kind", ["simulator", "livekit-server"])
async def test_a_room_is_announced_when_it_starts_and_when_it_is_deleted(
    kind: str, inbox: Inbox, tmp_path: Path
) -> None:
    async with (
        serving(kind, inbox, tmp_path) as url,
        LiveKitAPI(url, API_KEY, API_SECRET, failover=False) as lkapi,
    ):
        room = await lkapi.room.create_room(CreateRoomRequest(name="room-1"))
        await lkapi.room.delete_room(DeleteRoomRequest(room="room-1"))
        await inbox.wait_for(2)

    started, finished = inbox.events
    assert (started.event, finished.event) == ("room_started", "room_finished")
    assert started.room.sid == finished.room.sid == room.sid
    assert started.id.startswith("EV_")
    assert started.id != finished.id
    headers, text = inbox.requests[0]
    assert headers["Content-Type"] == "application/webhook+json"
    assert not headers["Authorization"].startswith("Bearer")
    body = json.loads(text)
    assert set(body) == {"event", "room", "id", "createdAt"}
    assert body["createdAt"].isdigit()
    assert {"sid", "name", "emptyTimeout", "departureTimeout", "creationTime"} <= set(body["room"])


async def test_a_phone_participant_is_announced_with_its_kind_attributes_and_reason(
    simulator: Simulator, inbox: Inbox
) -> None:
    simulator.world.join(
        "room-1",
        "sip_1",
        kind=ParticipantInfo.Kind.SIP,
        attributes={"sip.callID": "SCL_1"},
    )
    simulator.world.leave("room-1", "sip_1", DisconnectReason.USER_REJECTED)
    await simulator.webhooks.delivered()

    _, joined, left = (json.loads(body) for _, body in inbox.requests)
    assert (joined["event"], left["event"]) == ("participant_joined", "participant_left")
    assert joined["participant"]["identity"] == "sip_1"
    assert joined["participant"]["kind"] == "SIP"
    assert joined["participant"]["attributes"] == {"sip.callID": "SCL_1"}
    assert "disconnectReason" not in joined["participant"]
    assert left["participant"]["disconnectReason"] == "USER_REJECTED"
    assert joined["room"]["numParticipants"] == 1


async def test_deleting_a_room_makes_everybody_leave_first(
    simulator: Simulator, inbox: Inbox
) -> None:
    simulator.world.join("room-1", "user-1")
    simulator.world.close_room("room-1", DisconnectReason.ROOM_DELETED)
    await simulator.webhooks.delivered()

    assert [event.event for event in inbox.events] == [
        "room_started",
        "participant_joined",
        "participant_left",
        "room_finished",
    ]
    assert inbox.events[2].participant.disconnect_reason == DisconnectReason.ROOM_DELETED


async def test_an_identity_that_joins_again_replaces_the_first(
    simulator: Simulator, inbox: Inbox
) -> None:
    first = simulator.world.join("room-1", "user-1")
    second = simulator.world.join("room-1", "user-1")
    await simulator.webhooks.delivered()

    left, joined = inbox.events[2:]
    assert left.participant.sid == first.sid
    assert left.participant.disconnect_reason == DisconnectReason.DUPLICATE_IDENTITY
    assert joined.participant.sid == second.sid


@pytest.mark.parametrize(
    ("statuses", "attempts"),
    [([503, 500], 3), ([429], 2), ([503] * 9, 5), ([400], 1), ([401], 1), ([413], 1)],
)
async def test_an_event_is_sent_again_after_5xx_a_few_times_and_never_after_4xx(
    simulator: Simulator, inbox: Inbox, statuses: list[int], attempts: int
) -> None:
    inbox.statuses = list(statuses)

    simulator.world.create_room(CreateRoomRequest(name="room-1"))
    await simulator.webhooks.delivered()

    assert len(inbox.requests) == attempts
    assert len({event.id for event in inbox.events}) == 1


async def test_events_of_a_room_keep_their_order_while_one_is_sent_again(
    simulator: Simulator, inbox: Inbox
) -> None:
    inbox.statuses = [503]

    simulator.world.create_room(CreateRoomRequest(name="room-1"))
    simulator.world.close_room("room-1", DisconnectReason.ROOM_DELETED)
    await simulator.webhooks.delivered()

    events = [event.event for event in inbox.events]
    assert events == ["room_started", "room_started", "room_finished"]


async def test_an_event_tells_how_things_were_when_it_happened(
    simulator: Simulator, inbox: Inbox
) -> None:
    simulator.webhooks.chaos = Chaos(delay_seconds=0.05)

    simulator.world.join("room-1", "sip_1", attributes={"sip.callStatus": "ringing"})
    simulator.world.set_attributes("room-1", "sip_1", {"sip.callStatus": "active"})
    simulator.world.join("room-1", "user-2")
    simulator.world.leave("room-1", "sip_1", DisconnectReason.USER_REJECTED)
    await simulator.webhooks.delivered()

    events = {(event.event, event.participant.identity): event for event in inbox.events}
    joined, left = events["participant_joined", "sip_1"], events["participant_left", "sip_1"]
    assert events["room_started", ""].room.num_participants == 0
    assert events["participant_joined", "user-2"].room.num_participants == 2
    assert (joined.room.num_participants, left.room.num_participants) == (1, 1)
    assert joined.participant.state == ParticipantInfo.State.ACTIVE
    assert left.participant.state == ParticipantInfo.State.DISCONNECTED
    assert joined.participant.disconnect_reason == DisconnectReason.UNKNOWN_REASON
    assert joined.participant.attributes["sip.callStatus"] == "ringing"
    assert left.participant.attributes["sip.callStatus"] == "active"


async def test_a_signed_event_is_one_that_livekits_receiver_takes() -> None:
    event = WebhookEvent(id="EV_1", event="room_started", room=Room(name="room-1", sid="RM_1"))

    body, headers = signed_webhook(event, API_KEY, API_SECRET)

    receiver = WebhookReceiver(TokenVerifier(API_KEY, API_SECRET))
    assert receiver.receive(body.decode(), headers["Authorization"]) == event
    assert headers["Content-Type"] == "application/webhook+json"


@pytest.mark.parametrize(
    ("statuses", "sent", "acknowledged"),
    [([], 1, 1), ([503, 500], 3, 1), ([503] * 9, 5, 0), ([401], 1, 0)],
)
async def test_the_record_tells_what_became_of_an_event(
    simulator: Simulator, inbox: Inbox, statuses: list[int], sent: int, acknowledged: int
) -> None:
    inbox.statuses = list(statuses)
    began = time.time()

    room = simulator.world.create_room(CreateRoomRequest(name="room-1"))
    before = await record(simulator)
    await simulator.webhooks.delivered()
    after = await record(simulator)

    assert (before["pending"], after["pending"]) == (1, 0)
    (event,) = after["events"]
    assert began <= event.pop("created") <= time.time()
    answered = event.pop("first_at"), event.pop("last_at")
    assert all(began <= at for at in answered) if acknowledged else answered == (None, None)
    assert event == {
        "id": inbox.events[0].id,
        "event": "room_started",
        "room": "room-1",
        "roomSid": room.info.sid,
        "participant": None,
        "lost": False,
        "sent": sent,
        "acknowledged": acknowledged,
    }


async def test_the_record_names_the_participant(simulator: Simulator) -> None:
    simulator.world.join("room-1", "sip_1")
    await simulator.webhooks.delivered()

    _, joined = (await record(simulator))["events"]
    assert (joined["event"], joined["participant"]) == ("participant_joined", "sip_1")


async def test_stopping_loses_what_is_not_delivered(
    inbox: Inbox,
) -> None:
    async with Simulator(API_KEY, API_SECRET, webhook_urls=[inbox.url]) as simulator:
        simulator.world.create_room(CreateRoomRequest(name="room-1"))

    assert inbox.requests == []
