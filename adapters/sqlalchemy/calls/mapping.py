"""Between the rows of calls and the domain's."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from adapters.sqlalchemy.mapping import timeline_text, to_timeline, unreadable_row
from domain.calls.call import Call, CallStatus
from domain.calls.dial_request import DialRequest
from domain.calls.room_calls import CallOutline
from domain.phone_numbers.call_route import CallRoute
from domain.rooms.sip_leg import Direction, SipLeg
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import CallId, SessionId


def call_values(call: Call, announce_at: datetime | None) -> dict[str, Any]:
    """The columns of ``call``'s row, whose end is announced at ``announce_at``."""
    return {
        "id": call.id.value,
        "created_at": call.created_at,
        **_leg_values(call),
        **call_moves(call, announce_at),
    }


def placed_call_moves(call: Call, announce_at: datetime | None) -> dict[str, Any]:
    """The columns that change in the life of a call that the service placed.

    LiveKit reports its leg later.
    """
    return _leg_values(call) | call_moves(call, announce_at)


def _leg_values(call: Call) -> dict[str, Any]:
    """The columns of the leg, or of what was asked for while the call is being dialled."""
    leg, parties = call.leg, call.parties
    return {
        "room_name": parties.room_name,
        "room_sid": None if leg is None else leg.room_sid,
        "participant_sid": None if leg is None else leg.participant_sid,
        "participant_identity": parties.participant_identity,
        "direction": parties.direction.value,
        "from_number": parties.from_number,
        "to_number": parties.to_number,
        "trunk_id": parties.trunk_id,
        "dispatch_rule_id": None if leg is None else leg.dispatch_rule_id,
        "sip_call_id": None if leg is None else leg.sip_call_id,
        "direction_assumed": parties.direction_assumed,
        # As created_at where LiveKit reported the call first.
        "joined_at": None if call.placed_at is None else call.joined_at,
    }


def call_moves(call: Call, announce_at: datetime | None) -> dict[str, Any]:
    """The columns that change in a call's life; the others are never updated."""
    leg = call.leg
    return {
        "status": call.status.value,
        "sip_call_id_full": None if leg is None else leg.sip_call_id_full,
        "sip_status_code": None if leg is None else leg.sip_status_code,
        "carrier_call_id": None if leg is None else leg.carrier_call_id,
        "ringing_at": call.ringing_at,
        "unanswered_at": call.unanswered_at,
        "seen_active_at": call.seen_active_at,
        "was_active_at_end": call.was_active_at_end,
        "ended_at": call.ended_at,
        "end_concluded": call.end_concluded,
        "announce_at": announce_at,
        "aborted": call.aborted,
        "disconnect_reason": call.disconnect_reason,
        "session_id": None if call.session_id is None else call.session_id.value,
        "route": None if call.route is None else json.dumps(call.route.fields),
        "timeline": timeline_text(call.timeline),
        "tenant": call.tenant,
        "version": call.version,
    }


def to_call(row: Row[Any]) -> Call:
    """The call that ``row`` was made from. Raises ``StorageUnavailable`` if it cannot be read."""
    try:
        return Call(
            id=CallId(row.id),
            leg=None if row.room_sid is None else _leg(row),
            request=_dial_request(row) if row.room_sid is None else None,
            placed_at=None if row.room_sid and row.joined_at is None else row.created_at,
            ringing_at=row.ringing_at,
            unanswered_at=row.unanswered_at,
            seen_active_at=row.seen_active_at,
            was_active_at_end=row.was_active_at_end,
            ended_at=row.ended_at,
            end_concluded=row.end_concluded,
            end_pending=row.announce_at is not None,
            aborted=row.aborted,
            disconnect_reason=row.disconnect_reason,
            session_id=None if row.session_id is None else SessionId(row.session_id),
            route=None if row.route is None else CallRoute.stored(json.loads(row.route)),
            timeline=to_timeline(row.timeline),
            tenant=row.tenant,
            version=row.version,
        )
    except (ValueError, TypeError, AttributeError, InvalidInput):
        raise unreadable_row(f"call {row.id}") from None


def _leg(row: Row[Any]) -> SipLeg:
    return SipLeg(
        room_name=row.room_name,
        room_sid=row.room_sid,
        participant_sid=row.participant_sid,
        participant_identity=row.participant_identity,
        joined_at=row.joined_at or row.created_at,
        direction=Direction(row.direction),
        from_number=row.from_number,
        to_number=row.to_number,
        trunk_id=row.trunk_id,
        dispatch_rule_id=row.dispatch_rule_id,
        sip_call_id=row.sip_call_id,
        direction_assumed=bool(row.direction_assumed),
        sip_call_id_full=row.sip_call_id_full,
        sip_status_code=row.sip_status_code,
        carrier_call_id=row.carrier_call_id,
    )


def _dial_request(row: Row[Any]) -> DialRequest:
    return DialRequest(
        room_name=row.room_name,
        participant_identity=row.participant_identity,
        to_number=row.to_number,
        from_number=row.from_number,
        trunk_id=row.trunk_id,
    )


def to_call_outline(row: Row[Any]) -> CallOutline:
    """The outline that ``row`` was made from. Raises as :func:`to_call`."""
    try:
        return CallOutline(
            id=CallId(row.id),
            room_name=row.room_name,
            room_sid=row.room_sid,
            is_answered=CallStatus(row.status) is CallStatus.ACTIVE,
            has_session=row.session_id is not None,
        )
    except (ValueError, InvalidInput):
        raise unreadable_row(f"call {row.id}") from None
