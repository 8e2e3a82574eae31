"""What a webhook's body tells the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from livekit.api import WebhookEvent as LiveKitEvent
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from adapters.livekit.event_reader import LiveKitEventReader
from adapters.phonenumbers.phone_numbers import normalised
from domain.rooms.room import ParticipantKind, Room
from domain.rooms.room_event import EventKind, RoomEvent
from domain.rooms.sip_leg import Direction, LegStatus
from domain.shared.errors import InvalidWebhook
from entrypoints.simulator.webhooks import signed_webhook

SECOND = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
CREATED = int(SECOND.timestamp())
READER = LiveKitEventReader("sip_", normalised)


def event(kind: str, who: dict[str, Any] | None = None, **fields: Any) -> LiveKitEvent:
    told = LiveKitEvent(event=kind, created_at=CREATED, **fields)
    told.room.name, told.room.sid, told.room.num_participants = "call-_+1_x", "RM_1", 2
    if who is not None:
        told.participant.CopyFrom(ParticipantInfo(**who))
    return told


def read(told: LiveKitEvent, received_at: datetime = SECOND) -> RoomEvent | None:
    body, _ = signed_webhook(told, "key", "a secret of thirty-two characters")
    return READER.read(body, received_at)


def test_a_caller_who_joins() -> None:
    who = {
        "sid": "PA_1",
        "identity": "sip_+15105550100",
        "kind": ParticipantInfo.Kind.SIP,
        "joined_at": CREATED,
        "joined_at_ms": CREATED * 1000 + 7,
        "attributes": {
            "sip.phoneNumber": "+1 (510) 555-0100",
            "sip.trunkPhoneNumber": "+15105550123",
            "sip.callStatus": "ringing",
            "sip.ruleID": "SDR_1",
        },
    }
    told = read(event("participant_joined", who))
    assert told is not None
    assert told.kind is EventKind.PARTICIPANT_JOINED
    assert told.room == Room("call-_+1_x", "RM_1", 2)
    assert told.participant is not None
    assert told.participant.kind is ParticipantKind.SIP
    assert told.participant.leg_status is LegStatus.RINGING
    leg = told.participant.leg
    assert leg is not None
    assert (leg.room_name, leg.room_sid, leg.participant_sid) == ("call-_+1_x", "RM_1", "PA_1")
    assert (leg.from_number, leg.to_number) == ("+15105550100", "+15105550123")
    assert leg.direction is Direction.INBOUND
    assert leg.joined_at == SECOND + timedelta(milliseconds=7)


def test_an_identity_with_the_prefix_is_a_telephone_too() -> None:
    for identity, expected in (("sip_1", True), ("user-1", False), ("sip1", False)):
        told = read(event("participant_joined", {"sid": "PA_1", "identity": identity}))
        assert told is not None
        assert told.participant is not None
        assert (told.participant.leg is not None) is expected


def test_an_agent_says_its_name() -> None:
    who = {
        "identity": "agent-AJ_1",
        "kind": ParticipantInfo.Kind.AGENT,
        "attributes": {"lk.agent.name": "shreya-obnox"},
    }
    told = read(event("participant_joined", who))
    assert told is not None
    assert told.participant is not None
    assert told.participant.kind is ParticipantKind.AGENT
    assert told.participant.agent_name == "shreya-obnox"
    assert told.participant.leg is None
    assert not told.participant.is_person


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (DisconnectReason.UNKNOWN_REASON, None),
        (DisconnectReason.USER_REJECTED, "USER_REJECTED"),
        (DisconnectReason.CLIENT_INITIATED, "CLIENT_INITIATED"),
    ],
)
def test_why_somebody_left(reason: DisconnectReason, expected: str | None) -> None:
    told = read(event("participant_left", {"identity": "sip_1", "disconnect_reason": reason}))
    assert told is not None
    assert told.disconnect_reason == expected


def test_a_reason_newer_than_the_protocol_is_told_by_its_number() -> None:
    body = {
        "event": "participant_left",
        "room": {"name": "r", "sid": "RM_1"},
        "participant": {"identity": "sip_1", "disconnectReason": 99},
    }
    told = READER.read(json.dumps(body).encode(), SECOND)
    assert told is not None
    assert told.disconnect_reason == "99"


@pytest.mark.parametrize(
    ("received_after", "at"),
    [
        (timedelta(milliseconds=300), SECOND + timedelta(milliseconds=300)),
        (timedelta(seconds=9), SECOND + timedelta(milliseconds=999)),
        (-timedelta(seconds=9), SECOND),  # another machine's clock is late
    ],
)
def test_an_event_happened_in_the_second_it_names(received_after: timedelta, at: datetime) -> None:
    told = read(event("room_finished"), SECOND + received_after)
    assert told is not None
    assert told.at == at
    assert told.participant is None


def test_an_event_without_a_time_happened_when_it_came() -> None:
    told = event("room_finished")
    told.created_at = 0
    assert getattr(read(told, SECOND + MOMENT), "at", None) == SECOND + MOMENT


@pytest.mark.parametrize("kind", ["room_started", "track_published", "egress_ended", "tomorrow's"])
def test_the_ledger_learns_nothing_from_other_kinds(kind: str) -> None:
    assert read(event(kind)) is None


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"createdAt": "x"}'])
def test_what_is_no_event_is_told(body: bytes) -> None:
    with pytest.raises(InvalidWebhook):
        READER.read(body, SECOND)


@pytest.mark.parametrize("created", [2**62, -(2**62), -1])
def test_a_time_that_is_none_is_when_the_event_came(created: int) -> None:
    told = event("room_finished")
    told.created_at = created
    assert getattr(read(told, SECOND + MOMENT), "at", None) == SECOND + MOMENT


LATER = SECOND + timedelta(seconds=5, milliseconds=7)


@pytest.mark.parametrize(
    ("times", "joined_at"),
    [
        ({"joinedAt": str(CREATED)}, SECOND),
        ({"joinedAt": str(CREATED), "joinedAtMs": str(CREATED * 1000 + 7)}, SECOND + 7 * MOMENT),
        ({"joined_at": CREATED}, SECOND),
        ({"joinedAt": str(CREATED * 1000)}, SECOND),
        ({"joinedAt": CREATED * 1000 + 7, "joinedAtMs": None}, SECOND + 7 * MOMENT),
        ({"joinedAt": str(CREATED), "joinedAtMs": str(CREATED)}, SECOND),
        ({"joinedAt": str(CREATED), "joinedAtMs": -5}, SECOND),
        ({}, LATER),
        ({"joinedAt": None, "joinedAtMs": None}, LATER),
        ({"joinedAt": "0"}, LATER),
        ({"joinedAt": -1}, LATER),
        ({"joinedAt": str(2**62)}, LATER),
        ({"joinedAt": "today"}, LATER),
        ({"joinedAt": ""}, LATER),
    ],
)
@pytest.mark.parametrize("created", [LATER.timestamp() // 1, LATER.timestamp() * 1000 // 1, None])
def test_a_caller_joined_when_the_event_says_or_else_when_it_was_made_or_came(
    times: dict[str, Any], joined_at: datetime, created: float | None
) -> None:
    made = {} if created is None else {"createdAt": int(created)}

    told = odd({"sid": "PA_1", "identity": "sip_1", "kind": "SIP", **times}, LATER, **made)

    assert told.participant is not None
    assert told.participant.leg is not None
    assert told.participant.leg.joined_at == joined_at


def odd(who: dict[str, Any], received_at: datetime = SECOND, **fields: Any) -> RoomEvent:
    """What is read of a body that LiveKit did not write."""
    body = {"event": "participant_joined", "room": {"name": "r", "sid": "RM_1"}, **fields}
    told = READER.read(json.dumps(body | {"participant": who}).encode(), received_at)
    assert told is not None
    return told


@pytest.mark.parametrize(
    "fields",
    [
        {"attributes": {"sip.phoneNumber": 15105550100}},
        {"attributes": {"sip.phoneNumber": "15105550100", "x": None, "y": {"z": []}}},
        {"attributes": {"sip.phoneNumber": "15105550100"}, "name": 7},
        {"attributes": {"sip.phoneNumber": "15105550100"}, "metadata": {"a": 1}},
        {"attributes": {"sip.phoneNumber": "15105550100"}, "tracks": [None]},
        {"attributes": {"sip.phoneNumber": "15105550100"}, "name": "\ud83d"},
        {"attributes": {"sip.phoneNumber": "15105550100"}, "permission": 7},
        {"attributes": {"sip.phoneNumber": "15105550100"}, "state": "TOMORROWS", "kind": "SIP"},
        {"attributes": {"sip.phoneNumber": "15105550100"}, "kind": "TOMORROWS"},
    ],
    ids=lambda fields: ascii(fields)[-40:],
)
def test_what_cannot_be_read_hides_nothing_that_can(fields: dict[str, Any]) -> None:
    told = odd({"sid": "PA_1", "identity": "sip_1", **fields}, createdAt=CREATED)

    assert told.at == SECOND
    assert told.room == Room("r", "RM_1", 0)
    assert told.participant is not None
    assert told.participant.identity == "sip_1"
    assert told.participant.leg is not None
    assert told.participant.leg.participant_sid == "PA_1"
    assert told.participant.leg.from_number == "15105550100"


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"event": "room_finished", "room": {"name": "r"}}',
        b'{"event": "room_started", "event": "room_finished", "room": {"name": "r"}}',
        b'{"event": "room_finished", "room": {"name": "r", "numParticipants": -1}}',
        b'{"event": "room_finished", "room": {"name": "r"}, "createdAt": "now"}',
    ],
)
def test_a_body_in_an_odd_form_is_read(body: bytes) -> None:
    told = READER.read(body, SECOND)

    assert told == RoomEvent(kind=EventKind.ROOM_FINISHED, room=Room("r", "", 0), at=SECOND)


def test_a_number_where_a_text_belongs_is_its_digits() -> None:
    told = odd({"sid": 7, "identity": 15105550100})

    assert told.participant is not None
    assert told.participant.identity == "15105550100"
