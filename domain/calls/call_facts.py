"""What becomes known of a call: facts are values, so that they can be stored, sent and compared."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from domain.phone_numbers.call_route import CallRoute
from domain.rooms.sip_leg import LegStatus, SipLeg
from domain.shared.identifiers import SessionId
from domain.shared.timeline import Source

ROOM_CLOSED: Final = "ROOM_CLOSED"
"""The disconnect reason of a call that ended with its room; gives way to any other reason."""

FAILURES: Final = frozenset(
    {
        "USER_UNAVAILABLE",
        "USER_REJECTED",
        "SIP_TRUNK_FAILURE",
        "JOIN_FAILURE",
        "MEDIA_FAILURE",
        "CONNECTION_TIMEOUT",
    }
)
"""LiveKit's disconnect reasons that make an unanswered call a failed one."""

NEVER_ANSWERED: Final = frozenset(
    {"USER_UNAVAILABLE", "USER_REJECTED", "SIP_TRUNK_FAILURE", "JOIN_FAILURE"}
)
"""Those of them that LiveKit gives only before the answer (livekit/sip, pkg/sip/errors.go)."""


@attrs.frozen
class LegDescribed:
    """LiveKit reported ``leg`` of the participant, which may complete what is known."""

    leg: SipLeg


@attrs.frozen
class ParticipantSeen:
    """The participant was in the room at ``at``.

    Without a ``leg_status``, a participant that is in the room has answered.
    """

    leg_status: LegStatus | None
    at: datetime
    source: Source


@attrs.frozen
class ParticipantLeft:
    """The participant had left the room by ``at``.

    ``reason`` is LiveKit's ``disconnectReason``, ``last_status`` the leg's last reported status;
    ``aborted`` is a connection that broke before it was ready.
    """

    at: datetime
    source: Source
    reason: str | None = None
    last_status: LegStatus | None = None
    aborted: bool = False


@attrs.frozen
class RoomClosed:
    """The call's room instance was closed by ``at``, and the call with it."""

    at: datetime
    source: Source


@attrs.frozen
class AgentDispatched:
    """An agent serves the call in session ``session_id``, which belongs to ``tenant``."""

    session_id: SessionId
    at: datetime
    tenant: str | None = None


@attrs.frozen
class CallRouted:
    """It was decided how the call is answered. The first decision that is recorded stays."""

    route: CallRoute


CallFact = (
    LegDescribed | ParticipantSeen | ParticipantLeft | RoomClosed | CallRouted | AgentDispatched
)
