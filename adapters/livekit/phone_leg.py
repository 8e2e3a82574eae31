"""What a participant's attributes say of a call.

https://docs.livekit.io/sip/sip-participant/ names most of them; which are set when is read in
livekit/protocol (livekit/attrs.go, rpc/sip.go, sip/sip.go) and livekit/sip (pkg/sip) of 2026-08.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from livekit.protocol.models import ParticipantInfo, Room

from adapters.livekit.moments import from_milliseconds
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from domain.shared.identifiers import LONGEST, LONGEST_NUMBER

_PHONES: Final = (ParticipantInfo.Kind.SIP, ParticipantInfo.Kind.CONNECTOR)
NO_PHONE: Final[Mapping[str, str]] = {"backend-livekit.user": "true"}
"""The attribute of users with a token of this service, whose identity may be like a phone's."""
_CARRIER_IDS: Final = (
    "sip.twilio.callSid",
    "sip.telnyx.callLegID",
    "sip.telnyx.callSessionID",
    "sip.amazon.contactId",
    "sip.h.x-twilio-callsid",
    "sip.h.x-call_leg_id",
    "sip.h.x-call_session_id",
    "sip.h.x-amzn-connectcontactid",
)
"""livekit/sip sets them from the carriers' headers; the first that is there is the call's id."""
_HEADER: Final = "sip.h."
_MOST_HEADERS: Final = 64
Normalised = Callable[[str], str]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_phone(info: ParticipantInfo, identity_prefix: str) -> bool:
    """Whether a participant is a telephone: by its kind, or by its identity's prefix.

    LiveKit's connectors bring calls of WhatsApp and Twilio, in their own kind. A user who joined
    with a token of this service is none, whatever the identity is.
    """
    return counts_as_phone(info.kind, info.identity, info.attributes, identity_prefix)


def counts_as_phone(
    kind: ParticipantInfo.Kind,
    identity: str,
    attributes: Mapping[str, str],
    identity_prefix: str,
) -> bool:
    """Whether a participant of whom this is known is a telephone."""
    return kind in _PHONES or (
        bool(identity_prefix)
        and kind == ParticipantInfo.Kind.STANDARD
        and identity.startswith(identity_prefix)
        and not all(attributes.get(name) == value for name, value in NO_PHONE.items())
    )


def trunk_id(attributes: Mapping[str, str]) -> str | None:
    """The trunk that a call came by, if it says so."""
    return _text(attributes.get("sip.trunkID"))


def phone_leg(room: Room, info: ParticipantInfo, normalised: Normalised) -> SipLeg:
    """Return the leg that ``info`` is in ``room``; ``normalised`` writes numbers in one form.

    ``sip.phoneNumber`` is the other side's number and ``sip.trunkPhoneNumber`` ours, whichever side
    called; both are absent where the trunk or rule hides them.
    """
    attributes = info.attributes
    callers = _number(attributes.get("sip.phoneNumber"), normalised)
    ours = _number(attributes.get("sip.trunkPhoneNumber"), normalised)
    direction = _direction(attributes)
    placed = direction is Direction.OUTBOUND
    return SipLeg(
        room_name=room.name,
        room_sid=room.sid,
        participant_sid=info.sid,
        participant_identity=info.identity.replace("\0", "�"),
        joined_at=from_milliseconds(info.joined_at_ms or info.joined_at * 1000) or _EPOCH,
        direction=direction or Direction.INBOUND,
        direction_assumed=direction is None,
        from_number=ours if placed else callers,
        to_number=callers if placed else ours,
        trunk_id=trunk_id(attributes),
        dispatch_rule_id=_text(attributes.get("sip.ruleID")),
        sip_call_id=_text(attributes.get("sip.callID")),
        sip_call_id_full=_text(attributes.get("sip.callIDFull")),
        sip_status_code=_status_code(attributes.get("sip.callStatusCode")),
        carrier_call_id=_first(_text(attributes.get(name)) for name in _CARRIER_IDS),
        headers=_headers(attributes),
    )


def _headers(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the SIP headers that the trunk passes on, by their names in lower case."""
    names = [name for name in attributes if name.startswith(_HEADER)]
    return {
        name[len(_HEADER) :]: attributes[name].replace("\0", "�")[:LONGEST]
        for name in sorted(names)[:_MOST_HEADERS]
    }


def _direction(attributes: Mapping[str, str]) -> Direction | None:
    """Return the direction; None if the attributes do not say.

    Every inbound call has come by a dispatch rule. LiveKit gives every SIP call an id, so one
    without a rule was placed; its trunk has no id if CreateSIPParticipant got it inline. A
    connector that places a call can say so in ``sip.callDirection``.
    """
    if _text(attributes.get("sip.ruleID")):
        return Direction.INBOUND
    if _text(attributes.get("sip.trunkID")) or _text(attributes.get("sip.callID")):
        return Direction.OUTBOUND
    with suppress(ValueError):
        return Direction(attributes.get("sip.callDirection", "").strip().lower())
    return None


def leg_status(info: ParticipantInfo) -> LegStatus | None:
    """``sip.callStatus``; None where it says nothing that is known."""
    with suppress(ValueError):
        return LegStatus(info.attributes.get("sip.callStatus", ""))
    return None


def _status_code(given: str | None) -> int | None:
    """A SIP status code (RFC 3261 §21), which LiveKit's own gateway does not report yet."""
    text = (given or "").strip()
    is_one = text.isascii() and text.isdigit() and len(text) == 3 and "100" <= text <= "699"
    return int(text) if is_one else None


def _number(given: str | None, normalised: Normalised) -> str | None:
    text = _text(given)
    return None if text is None else normalised(text)[:LONGEST_NUMBER]


def _first(texts: Iterable[str | None]) -> str | None:
    return next((text for text in texts if text is not None), None)


def _text(given: str | None) -> str | None:
    """``given`` without what a database can't hold or index; None if that is nothing."""
    return (given or "").replace("\0", "�").strip()[:LONGEST] or None
