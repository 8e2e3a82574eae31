"""What LiveKit's participants say of a call, in the domain's words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st
from livekit.api import ParticipantInfo
from livekit.protocol.models import Room

from adapters.livekit.phone_leg import is_phone, leg_status, phone_leg
from adapters.phonenumbers.phone_numbers import normalised
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from domain.shared.identifiers import LONGEST

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


def leg_of(info: ParticipantInfo) -> SipLeg:
    return phone_leg(ROOM, info, normalised)


def test_what_nobody_can_mean_is_cut_to_what_an_index_holds() -> None:
    names = ("sip.phoneNumber", "sip.callID", "sip.callIDFull", "sip.twilio.callSid", "sip.ruleID")
    leg = leg_of(phone(**dict.fromkeys(names, "x" * 9000)))
    assert leg.from_number == "x" * 128
    assert (leg.sip_call_id, leg.dispatch_rule_id) == ("x" * 512,) * 2
    assert (leg.sip_call_id_full, leg.carrier_call_id) == ("x" * 512,) * 2


def test_an_inbound_call_comes_from_their_number_to_ours() -> None:
    assert leg_of(phone(**INBOUND)) == SipLeg(
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
    leg = leg_of(phone(**{**INBOUND, "sip.ruleID": ""}))

    assert leg.direction is Direction.OUTBOUND
    assert (leg.from_number, leg.to_number) == ("+15105550123", "+15105550100")
    assert leg.dispatch_rule_id is None


@pytest.mark.parametrize(
    ("attributes", "direction", "is_assumed"),
    [
        # livekit/protocol sip.go: a dispatch rule's id on every inbound call, hidden number or not
        ({"sip.callID": "SCL_1", "sip.trunkID": "ST_1", "sip.ruleID": "SDR_1"}, "inbound", False),
        ({"sip.callID": "SCL_1", "sip.ruleID": "SDR_1"}, "inbound", False),
        # rpc/sip.go: CreateSIPParticipant by a trunk's id, or by an inline one, which has none
        ({"sip.callID": "SCL_1", "sip.trunkID": "ST_1"}, "outbound", False),
        ({"sip.callID": "SCL_1", "sip.trunkID": ""}, "outbound", False),
        ({"sip.callID": "SCL_1"}, "outbound", False),
        # a caller of the API may say it of its connector calls; of SIP calls LiveKit knows better
        ({"sip.callDirection": "Outbound"}, "outbound", False),
        ({"sip.callDirection": "inbound"}, "inbound", False),
        ({"sip.callDirection": "outbound", "sip.ruleID": "SDR_1"}, "inbound", False),
        ({"sip.callDirection": "sideways"}, "inbound", True),
        ({"sip.phoneNumber": "+15105550100"}, "inbound", True),
        ({}, "inbound", True),
    ],
)
@pytest.mark.parametrize("kind", [ParticipantInfo.Kind.SIP, ParticipantInfo.Kind.CONNECTOR])
def test_the_direction_is_read_as_livekit_sets_the_attributes(
    kind: ParticipantInfo.Kind, attributes: dict[str, str], direction: str, *, is_assumed: bool
) -> None:
    info = phone(**attributes)
    info.kind = kind

    leg = leg_of(info)

    assert (leg.direction, leg.direction_assumed) == (Direction(direction), is_assumed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sip.twilio.callSid", "CA0123456789"),
        ("sip.telnyx.callLegID", "428c31b6-7af4"),
        ("sip.telnyx.callSessionID", "428c31b6-dead"),
        ("sip.amazon.contactId", "5d6b-1"),
        ("sip.h.x-twilio-callsid", "CA0123456789"),
    ],
)
def test_a_carrier_s_id_of_the_call_is_kept(name: str, value: str) -> None:
    assert leg_of(phone(**{name: value})).carrier_call_id == value


def test_a_leg_s_id_of_telnyx_is_more_exact_than_its_session_s() -> None:
    ids = {"sip.telnyx.callSessionID": "session", "sip.telnyx.callLegID": "leg"}

    assert leg_of(phone(**ids)).carrier_call_id == "leg"


def test_the_full_call_id_is_kept() -> None:
    leg = leg_of(phone(**{"sip.callIDFull": "8c6f@203.0.113.7"}))

    assert leg.sip_call_id_full == "8c6f@203.0.113.7"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("486", 486), (" 200 ", 200), ("99", None), ("700", None), ("4860", None), ("٤٨٦", None),
     ("busy", None), ("", None), ("-86", None)],
)  # fmt: skip
def test_a_sip_status_is_one_of_its_codes(given: str, expected: int | None) -> None:
    assert leg_of(phone(**{"sip.callStatusCode": given})).sip_status_code == expected


def test_a_phone_of_which_nothing_is_told_is_assumed_to_call_us() -> None:
    leg = leg_of(phone())

    assert leg.direction is Direction.INBOUND
    assert (leg.from_number, leg.to_number, leg.trunk_id, leg.sip_call_id) == (None,) * 4


def test_an_older_server_tells_when_somebody_joined_by_the_second() -> None:
    info = phone()
    info.ClearField("joined_at_ms")

    assert leg_of(info).joined_at == datetime(2026, 1, 31, 12, tzinfo=UTC)


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
        # hidden callers, as carriers write it; Twilio spells the words on a telephone's keys
        ("Anonymous", "anonymous"),
        ("RESTRICTED", "restricted"),
        ("sip:anonymous@anonymous.invalid", "anonymous"),
        ("+266696687", "anonymous"),
        ("+7378742833", "restricted"),
        ("+86282452253", "unavailable"),
        ("+8656696", "unknown"),
        ("+2562533", "blocked"),
        # URIs (RFC 3261 §19.1, RFC 3966) and extensions
        ("sip:+15105550100@example.com;user=phone", "+15105550100"),
        ("SIPS:%2B15105550100;ext=7@example.com", "+15105550100"),
        ('"Ann" <sip:+15105550100@example.com>', "+15105550100"),
        ("sip:alice@example.com", "sip:alice@example.com"),
        ("tel:911;phone-context=+1", "tel:911;phone-context=+1"),
        ("+15105550100;ext=7", "+15105550100"),
        ("+15105550100x123", "+15105550100"),
        ("+1-800-FLOWERS", "+18003569377"),
        ("+\uff14\uff1420 7946 0958", "+442079460958"),
        # 00 is the ITU's international prefix; 011 also begins British area codes
        ("0015105550100", "+15105550100"),
        ("00442079460958", "+442079460958"),
        ("0011", "0011"),
        ("01115105550100", "01115105550100"),
        # of no country
        ("15105550100", "15105550100"),
        ("0568566878", "0568566878"),
        ("911", "911"),
        ("+911", "+911"),
        ("+999123456789", "+999123456789"),
        ("*67", "*67"),
        ("#31#0301234567", "#31#0301234567"),
        ("alice.smith", "alice.smith"),
        ("+", "+"),
        ("0", "0"),
    ],
)
def test_numbers_are_e164_where_they_parse_and_as_given_otherwise(
    given: str, expected: str | None
) -> None:
    assert phone_leg(ROOM, phone(**{"sip.phoneNumber": given}), normalised).from_number == expected


@for_any(st.text(max_size=40) | st.from_regex(r"(sip:|tel:|00|\+)?[0-9 ();ext=x@.-]{0,20}"))
def test_a_number_has_one_form(given: str) -> None:
    assert normalised(normalised(given)) == normalised(given)


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
        (ParticipantInfo.Kind.CONNECTOR, "whatsapp_1", True),
        (ParticipantInfo.Kind.BRIDGE, "sip_bridge", False),
        (ParticipantInfo.Kind.INGRESS, "sip_ingress", False),
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
        kind in (ParticipantInfo.Kind.SIP, ParticipantInfo.Kind.CONNECTOR)
    )


def test_sip_headers_are_read_and_bounded() -> None:
    many = {f"sip.h.x-{number:03}": "a" * 1000 for number in range(100)}
    leg = phone_leg(
        Room(name="room", sid="RM_1"), ParticipantInfo(sid="PA_1", attributes=many), normalised
    )

    assert len(leg.headers) == 64
    assert leg.headers["x-000"] == "a" * LONGEST
