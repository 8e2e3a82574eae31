"""What LiveKit's participants say of a call, in the domain's words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from livekit.api import ParticipantInfo
from livekit.protocol.models import Room

from adapters.livekit.phone_leg import is_phone, leg_status, phone_leg
from domain.call import Direction, LegStatus, PhoneLeg

ROOM = Room(name="call-_+15105550100_x7", sid="RM_1")
INBOUND = {
    "sip.callID": "SCL_1",
    "sip.phoneNumber": "+15105550100",
    "sip.trunkPhoneNumber": "+15105550123",
    "sip.trunkID": "ST_1",
    "sip.ruleID": "SDR_1",
    "sip.callStatus": "active",
}


def phone(**attributes: str) -> ParticipantInfo:
    return ParticipantInfo(
        sid="PA_1",
        identity="sip_+15105550100",
        kind=ParticipantInfo.Kind.SIP,
        joined_at=1769860800,
        joined_at_ms=1769860800123,
        attributes=attributes,
    )


def test_what_nobody_can_mean_is_cut_to_what_an_index_holds() -> None:
    leg = phone_leg(ROOM, phone(**{"sip.phoneNumber": "x" * 9000, "sip.callID": "y" * 9000}))
    assert (leg.from_number, leg.sip_call_id) == ("x" * 512, "y" * 512)


def test_an_inbound_call_comes_from_their_number_to_ours() -> None:
    assert phone_leg(ROOM, phone(**INBOUND)) == PhoneLeg(
        room_name="call-_+15105550100_x7",
        room_sid="RM_1",
        participant_sid="PA_1",
        participant_identity="sip_+15105550100",
        joined_at=datetime(2026, 1, 31, 12, 0, 0, 123000, UTC),
        direction=Direction.INBOUND,
        from_number="+15105550100",
        to_number="+15105550123",
        trunk_id="ST_1",
        dispatch_rule_id="SDR_1",
        sip_call_id="SCL_1",
    )


def test_a_call_through_a_trunk_without_a_rule_is_ours_to_them() -> None:
    leg = phone_leg(ROOM, phone(**{**INBOUND, "sip.ruleID": ""}))

    assert leg.direction is Direction.OUTBOUND
    assert (leg.from_number, leg.to_number) == ("+15105550123", "+15105550100")
    assert leg.dispatch_rule_id is None


def test_a_phone_of_which_nothing_is_told_is_an_inbound_call() -> None:
    leg = phone_leg(ROOM, phone())

    assert leg.direction is Direction.INBOUND
    assert (leg.from_number, leg.to_number, leg.trunk_id, leg.sip_call_id) == (None,) * 4


def test_an_older_server_tells_when_somebody_joined_by_the_second() -> None:
    info = phone()
    info.ClearField("joined_at_ms")

    assert phone_leg(ROOM, info).joined_at == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("+1 (510) 555-0100", "+15105550100"),
        ("tel:+15105550100", "+15105550100"),
        ("+44 20 7946 0018", "+442079460018"),
        ("5105550100", "5105550100"),  # of which country?
        ("+1", "+1"),
        ("+1510555010000000000", "+1510555010000000000"),
        ("anonymous", "anonymous"),
        (" 7001 ", "7001"),
        ("  ", None),
        ("ann\0", "ann�"),
    ],
)
def test_numbers_are_e164_where_they_parse_and_as_given_otherwise(
    given: str, expected: str | None
) -> None:
    assert phone_leg(ROOM, phone(**{"sip.phoneNumber": given})).from_number == expected


@pytest.mark.parametrize("status", LegStatus)
def test_every_call_status_is_known(status: LegStatus) -> None:
    assert leg_status(phone(**{"sip.callStatus": status.value})) is status


@pytest.mark.parametrize("attributes", [{}, {"sip.callStatus": "parked"}])
def test_another_status_says_nothing(attributes: dict[str, str]) -> None:
    assert leg_status(phone(**attributes)) is None


@pytest.mark.parametrize(
    ("kind", "identity", "expected"),
    [
        (ParticipantInfo.Kind.SIP, "ann", True),
        (ParticipantInfo.Kind.STANDARD, "sip_ann", True),
        (ParticipantInfo.Kind.STANDARD, "ann", False),
        (ParticipantInfo.Kind.AGENT, "sip_agent", False),
        (ParticipantInfo.Kind.EGRESS, "sip_egress", False),
    ],
)
def test_a_phone_is_known_by_its_kind_or_its_identity(
    kind: ParticipantInfo.Kind, identity: str, *, expected: bool
) -> None:
    assert is_phone(ParticipantInfo(kind=kind, identity=identity), "sip_") is expected
    assert is_phone(ParticipantInfo(kind=kind, identity="user"), "") is (
        kind == ParticipantInfo.Kind.SIP
    )
