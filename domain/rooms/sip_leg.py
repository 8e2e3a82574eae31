"""What LiveKit reports of a phone participant."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

import attrs


class Direction(enum.StrEnum):
    """The direction of a call, seen from the service."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class LegStatus(enum.StrEnum):
    """What LiveKit's ``sip.callStatus`` says (https://docs.livekit.io/sip/sip-participant/)."""

    DIALING = "dialing"
    RINGING = "ringing"
    ACTIVE = "active"
    AUTOMATION = "automation"
    HANGUP = "hangup"


@attrs.frozen(kw_only=True)
class SipLeg:
    """What LiveKit reports of a phone participant, apart from its state.

    ``from_number`` and ``to_number`` are E.164 where they parse, else as given. Where LiveKit does
    not report the direction it is ``direction_assumed`` to be inbound. The last three fields may
    be reported later than the rest: ``sip_call_id_full`` is SIP's Call-ID, ``sip_status_code`` the
    call's final SIP response, ``carrier_call_id`` the carrier's own id (Twilio's call SID, …).
    ``headers`` are SIP headers, which are not stored.
    """

    room_name: str
    room_sid: str
    participant_sid: str
    participant_identity: str
    joined_at: datetime
    direction: Direction = Direction.INBOUND
    from_number: str | None = None
    to_number: str | None = None
    trunk_id: str | None = None
    dispatch_rule_id: str | None = None
    sip_call_id: str | None = None
    direction_assumed: bool = False
    sip_call_id_full: str | None = None
    sip_status_code: int | None = None
    carrier_call_id: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict, eq=False, repr=False)

    @property
    def reports_answer(self) -> bool:
        """Whether an outbound call has been answered: only then livekit/sip sets its Call-ID."""
        return self.direction is Direction.OUTBOUND and self.sip_call_id_full is not None

    def completed_by(self, other: SipLeg) -> SipLeg:
        """With what ``other`` reports in addition; the same in whatever order they come."""
        return attrs.evolve(
            self,
            sip_call_id_full=_either(self.sip_call_id_full, other.sip_call_id_full),
            carrier_call_id=_either(self.carrier_call_id, other.carrier_call_id),
            # Final responses are greater than provisional ones (RFC 3261 §7.2).
            sip_status_code=max(self.sip_status_code or 0, other.sip_status_code or 0) or None,
        )


def _either(known: str | None, reported: str | None) -> str | None:
    """The one of two texts that there is; of two, the same one in either order."""
    return min(text for text in (known, reported) if text) if known or reported else None
