"""Participants of a room as JSON."""

from __future__ import annotations

from typing import Annotated

import msgspec

from domain.calls.call import Precision
from domain.participants.read_participants import Gap, Participants
from domain.participants.stay import FactSource, Stay
from domain.rooms.room import ParticipantKind
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from entrypoints.presenters.fields import Timestamp, documented
from entrypoints.presenters.times import rfc3339_or_none

LeftAtIs = Annotated[Precision, documented(enum=[Precision.EXACT, Precision.AT_MOST])]


class PhoneResponse(msgspec.Struct, rename="camel", kw_only=True):
    """What LiveKit reports of a telephone: its numbers, as calls show them, and its state."""

    direction: Direction
    from_number: str | None = msgspec.field(name="from")
    to_number: str | None = msgspec.field(name="to")
    trunk_id: str | None
    status: LegStatus | None


class ParticipantResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A participant's stay in a room. Times are RFC 3339 in UTC.

    An identity that joins again has another `sid`, and another stay. `leftAt` is null while the
    participant is in the room; `leftAtIs` is `exact`, or `at_most` where LiveKit reported no leave
    and it had left by then. `leaveReason` is LiveKit's name for why; `connectionAborted`: its
    connection never worked. `isPublisher`: it has published a track.

    `source` says who knows of the stay, `joinedAtSource` and `leftAtSource` who reported that:
    `webhook`, `livekit` (it was asked just now), or `ledger`, which has no `sid` of agents.
    """

    identity: str
    name: str | None
    kind: ParticipantKind
    sid: str | None
    room_sid: str | None
    source: FactSource
    joined_at: Timestamp | None
    joined_at_source: FactSource | None
    left_at: Timestamp | None
    left_at_is: LeftAtIs | None
    left_at_source: FactSource | None
    leave_reason: str | None
    connection_aborted: bool
    is_publisher: bool
    agent_name: str | None
    phone: PhoneResponse | None


class ParticipantsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Stays, the newest first; `nextCursor` is the next page's `cursor`, null on the last.

    `listedAt` is when LiveKit listed who is in the room; null where everyone is known to have left,
    or LiveKit did not answer. `gaps` says why the list may be wrong: `livekit_unreachable`, or
    `older_webhooks`, which were too many to read.
    """

    room_name: str
    participants: list[ParticipantResponse]
    next_cursor: str | None
    listed_at: Timestamp | None
    gaps: list[Gap]


def participant_response(stay: Stay) -> ParticipantResponse:
    """Return ``stay`` as callers see it."""
    participant, joined, left = stay.participant, stay.joined, stay.left
    leg = participant.leg
    return ParticipantResponse(
        identity=participant.identity,
        name=participant.name or None,
        kind=participant.kind,
        sid=participant.sid or None,
        room_sid=stay.room_sid or None,
        source=stay.source,
        joined_at=rfc3339_or_none(None if joined is None else joined.at),
        joined_at_source=None if joined is None else joined.source,
        left_at=rfc3339_or_none(None if left is None else left.at),
        left_at_is=None if left is None else left.at_is,
        left_at_source=None if left is None else left.source,
        leave_reason=None if left is None else left.reason,
        connection_aborted=left is not None and left.aborted,
        is_publisher=participant.is_publisher,
        agent_name=participant.agent_name,
        phone=None if leg is None else _phone(leg, participant.leg_status),
    )


def _phone(leg: SipLeg, status: LegStatus | None) -> PhoneResponse:
    return PhoneResponse(
        direction=leg.direction,
        from_number=leg.from_number,
        to_number=leg.to_number,
        trunk_id=leg.trunk_id,
        status=status,
    )


def participants_response(found: Participants) -> ParticipantsResponse:
    """Return a page as callers see it."""
    return ParticipantsResponse(
        room_name=found.room_name.value,
        participants=[participant_response(stay) for stay in found.page.items],
        next_cursor=found.page.next_cursor,
        listed_at=rfc3339_or_none(found.listed_at),
        gaps=list(found.gaps),
    )
