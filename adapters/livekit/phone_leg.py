"""What a participant's ``sip.*`` attributes say of a call.

https://docs.livekit.io/sip/sip-participant/ names the attributes.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import phonenumbers
from livekit.protocol.models import ParticipantInfo, Room

from domain.call import Direction, LegStatus, PhoneLeg
from domain.identifiers import LONGEST


def is_phone(info: ParticipantInfo, identity_prefix: str) -> bool:
    """Whether a participant is a telephone: by its kind, or by its identity's prefix."""
    return info.kind == ParticipantInfo.Kind.SIP or (
        bool(identity_prefix)
        and info.kind == ParticipantInfo.Kind.STANDARD
        and info.identity.startswith(identity_prefix)
    )


def phone_leg(room: Room, info: ParticipantInfo) -> PhoneLeg:
    """The leg that ``info`` is in ``room``.

    ``sip.phoneNumber`` is the other side's number and ``sip.trunkPhoneNumber`` ours, whoever
    called; only inbound calls come by a dispatch rule.
    """
    theirs = _number(info.attributes.get("sip.phoneNumber"))
    ours = _number(info.attributes.get("sip.trunkPhoneNumber"))
    rule = _text(info.attributes.get("sip.ruleID"))
    placed = rule is None and _text(info.attributes.get("sip.trunkID")) is not None
    joined_ms = info.joined_at_ms or info.joined_at * 1000
    return PhoneLeg(
        room_name=room.name,
        room_sid=room.sid,
        participant_sid=info.sid,
        participant_identity=info.identity.replace("\0", "�"),
        joined_at=datetime.fromtimestamp(joined_ms // 1000, UTC).replace(
            microsecond=joined_ms % 1000 * 1000
        ),
        direction=Direction.OUTBOUND if placed else Direction.INBOUND,
        from_number=ours if placed else theirs,
        to_number=theirs if placed else ours,
        trunk_id=_text(info.attributes.get("sip.trunkID")),
        dispatch_rule_id=rule,
        sip_call_id=_text(info.attributes.get("sip.callID")),
    )


def leg_status(info: ParticipantInfo) -> LegStatus | None:
    """``sip.callStatus``; None where it says nothing that is known."""
    with suppress(ValueError):
        return LegStatus(info.attributes.get("sip.callStatus", ""))
    return None


def _number(given: str | None) -> str | None:
    """E.164 (ITU-T E.164) where ``given`` is a number with its country's code, else as given."""
    text = _text(given)
    if text is None:
        return None
    with suppress(phonenumbers.NumberParseException):
        number = phonenumbers.parse(text)
        if phonenumbers.is_possible_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return text


def _text(given: str | None) -> str | None:
    """``given`` without what a database can't hold or index; None if that is nothing."""
    return (given or "").replace("\0", "�").strip()[:LONGEST] or None
