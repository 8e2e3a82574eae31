"""A call that is being dialled is shown with null where only its leg would say more."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from domain.calls.call import Call
from domain.calls.dial_request import DialRequest
from domain.shared.identifiers import CallId
from entrypoints.presenters.calls import call_response

CALL = Call.placed(
    CallId("00000000-0000-7000-8000-000000000002"),
    DialRequest(
        room_name="outbound-1",
        participant_identity="sip_1",
        to_number="+15105550123",
        from_number="+15105550199",
        trunk_id="ST_1",
    ),
    datetime(2026, 1, 31, 12, tzinfo=UTC),
    tenant=None,
)


def test_a_call_without_a_leg_shows_what_was_asked_for_and_null_for_the_rest() -> None:
    assert msgspec.to_builtins(call_response(CALL)) == {
        "callId": "00000000-0000-7000-8000-000000000002",
        "sessionId": None,
        "roomName": "outbound-1",
        "roomSid": None,
        "direction": "outbound",
        "directionIs": "reported",
        "from": "+15105550199",
        "to": "+15105550123",
        "trunkId": "ST_1",
        "dispatchRuleId": None,
        "sipCallId": None,
        "sipCallIdFull": None,
        "sipStatusCode": None,
        "carrierCallId": None,
        "participantIdentity": "sip_1",
        "status": "created",
        "agentDispatched": False,
        "createdAt": "2026-01-31T12:00:00.000Z",
        "answeredAt": None,
        "answeredAtIs": "unknown",
        "endedAt": None,
        "durationSeconds": None,
        "durationIs": None,
        "disconnectReason": None,
        "timeline": [],
    }
