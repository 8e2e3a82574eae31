"""Between rows and the domain's entities, by hand: the domain knows no ORM."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row

from domain.agents.agent_config import AgentConfig
from domain.calls.call import Call, CallStatus
from domain.calls.dial_request import DialRequest
from domain.calls.room_calls import CallOutline
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.webhook_verifier import WebhookEvent
from domain.rooms.dispatch import DispatchClaim
from domain.rooms.sip_leg import Direction, SipLeg
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.session import Session
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.errors import InvalidInput, StorageUnavailable, Unreadable
from domain.shared.identifiers import CallId, Identity, RoomName, SessionId
from domain.shared.storable_text import storable
from domain.shared.timeline import Source, TimelineEntry

Entity = TypeVar("Entity")


def session_values(session: Session) -> dict[str, Any]:
    """The columns of ``session``'s row."""
    phone = session.phone
    return {
        "id": session.id.value,
        "room_name": session.room_name.value,
        "identity": session.identity.value,
        "agent_name": session.agent_name,
        "created_at": session.created_at,
        "call_id": None if phone is None else phone.call_id.value,
        "direction": None if phone is None else phone.direction.value,
        "caller_number": None if phone is None else phone.caller_number,
        "called_number": None if phone is None else phone.called_number,
        "tenant": session.tenant,
        **session_moves(session),
    }


def session_moves(session: Session) -> dict[str, Any]:
    """The columns that change in a session's life.

    SQLite writes an index anew for each column that an UPDATE names, whether it differs or not.
    """
    return {
        "room_sid": session.room_sid,
        "agent_config": session.agent_config.text,
        "status": session.status.value,
        "dispatch_id": session.dispatch_id,
        "claim_holder": session.claim.holder,
        "claim_expires_at": session.claim.expires_at,
        "claim_uncertain": session.claim.uncertain,
        "dispatched_at": session.dispatched_at,
        "active_at": session.active_at,
        "ended_at": session.ended_at,
        "end_reason": None if session.end_reason is None else session.end_reason.value,
        "end_concluded": session.end_concluded,
        "agent_identity": session.agent_identity,
        "agent_joined_at": session.agent_joined_at,
        "agent_left_at": session.agent_left_at,
        "agent_adopted": session.agent_adopted,
        "dispatch_attempts": session.dispatch_attempts,
        "retry_at": session.retry_at,
        "timeline": _timeline_text(session.timeline),
        "version": session.version,
    }


def to_session(row: Row[Any]) -> Session:
    """The session that ``row`` was made from.

    Raises ``StorageUnavailable`` for a row that this version of the service
    cannot have written.
    """
    try:
        return Session(
            **_outline_of(row),
            identity=Identity(row.identity),
            agent_name=row.agent_name,
            agent_config=AgentConfig(json.loads(row.agent_config)),
            active_at=row.active_at,
            end_reason=None if row.end_reason is None else EndReason(row.end_reason),
            end_concluded=row.end_concluded,
            agent_identity=row.agent_identity,
            agent_joined_at=row.agent_joined_at,
            agent_left_at=row.agent_left_at,
            agent_adopted=row.agent_adopted,
            dispatch_attempts=row.dispatch_attempts,
            timeline=_to_timeline(row.timeline),
            phone=None if row.call_id is None else _phone(row),
            tenant=row.tenant,
        )
    except (ValueError, TypeError, InvalidInput):
        raise _unreadable(f"session {row.id}") from None


def to_session_outline(row: Row[Any]) -> SessionOutline:
    """The outline that ``row`` was made from. Raises as :func:`to_session`."""
    try:
        return SessionOutline(**_outline_of(row))
    except (ValueError, TypeError, InvalidInput):
        raise _unreadable(f"session {row.id}") from None


def _outline_of(row: Row[Any]) -> dict[str, Any]:
    """The fields that a session's outline has."""
    return {
        "id": SessionId(row.id),
        "room_name": RoomName(row.room_name),
        "room_sid": row.room_sid,
        "status": SessionStatus(row.status),
        "dispatch_id": row.dispatch_id,
        "claim": DispatchClaim(row.claim_holder, row.claim_expires_at, row.claim_uncertain),
        "created_at": row.created_at,
        "dispatched_at": row.dispatched_at,
        "ended_at": row.ended_at,
        "retry_at": row.retry_at,
        "version": row.version,
    }


def _phone(row: Row[Any]) -> PhoneCorrelation:
    return PhoneCorrelation(
        call_id=CallId(row.call_id),
        direction=Direction(row.direction),
        caller_number=row.caller_number,
        called_number=row.called_number,
    )


def call_values(call: Call) -> dict[str, Any]:
    """The columns of ``call``'s row."""
    return {
        "id": call.id.value,
        "created_at": call.created_at,
        **_leg_values(call),
        **call_moves(call),
    }


def placed_call_moves(call: Call) -> dict[str, Any]:
    """The columns that change in the life of a call that the service placed.

    LiveKit reports its leg later.
    """
    return _leg_values(call) | call_moves(call)


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


def call_moves(call: Call) -> dict[str, Any]:
    """The columns that change in a call's life; the others as for :func:`session_moves`."""
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
        "aborted": call.aborted,
        "disconnect_reason": call.disconnect_reason,
        "session_id": None if call.session_id is None else call.session_id.value,
        "timeline": _timeline_text(call.timeline),
        "tenant": call.tenant,
        "version": call.version,
    }


def to_call(row: Row[Any]) -> Call:
    """The call that ``row`` was made from. Raises as :func:`to_session`."""
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
            aborted=row.aborted,
            disconnect_reason=row.disconnect_reason,
            session_id=None if row.session_id is None else SessionId(row.session_id),
            timeline=_to_timeline(row.timeline),
            tenant=row.tenant,
            version=row.version,
        )
    except (ValueError, TypeError, InvalidInput):
        raise _unreadable(f"call {row.id}") from None


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
    """The outline that ``row`` was made from. Raises as :func:`to_session`."""
    try:
        return CallOutline(
            id=CallId(row.id),
            room_name=row.room_name,
            room_sid=row.room_sid,
            is_answered=CallStatus(row.status) is CallStatus.ACTIVE,
            has_session=row.session_id is not None,
        )
    except (ValueError, InvalidInput):
        raise _unreadable(f"call {row.id}") from None


def entry_values(entry: InboxEntry) -> dict[str, Any]:
    """The columns of ``entry``'s row, but for its lease."""
    event = entry.event
    return {
        "event_id": event.id,
        "kind": event.kind,
        "room_name": event.room_name,
        "room_sid": event.room_sid,
        "body": event.body,
        "received_at": entry.received_at,
        "trace": entry.trace,
        **entry_moves(entry),
    }


def entry_moves(entry: InboxEntry) -> dict[str, Any]:
    """The columns that change as an event is handled; the others as for :func:`session_moves`."""
    return {
        "due_at": entry.due_at,
        "waits_until": entry.waits_until,
        "status": entry.status.value,
        "failures": entry.failures,
        "outages": entry.outages,
        # An entry that can't be settled would be retried for ever.
        "last_error": entry.last_error and storable(entry.last_error),
        "handled_at": entry.handled_at,
    }


def to_entry(row: Row[Any]) -> InboxEntry:
    """The entry that ``row`` was made from. Raises as :func:`to_session`."""
    try:
        status = InboxStatus(row.status)
    except ValueError:
        raise _unreadable(f"event {row.event_id}") from None
    return InboxEntry(
        event=WebhookEvent(row.event_id, row.kind, row.room_name, row.room_sid, row.body),
        received_at=row.received_at,
        due_at=row.due_at,
        status=status,
        failures=row.failures,
        outages=row.outages,
        last_error=row.last_error,
        handled_at=row.handled_at,
        trace=row.trace,
    )


def _timeline_text(timeline: tuple[TimelineEntry, ...]) -> str:
    return json.dumps(
        [[one.at.isoformat(), one.what, one.source.value] for one in timeline],
        separators=(",", ":"),
    )


def _to_timeline(text: str) -> tuple[TimelineEntry, ...]:
    return tuple(
        TimelineEntry(datetime.fromisoformat(at), what, Source(source))
        for at, what, source in json.loads(text)
    )


def readable(
    rows: Iterable[Row[Any]],
    mapped: Callable[[Row[Any]], Entity],
    unreadable: list[StorageUnavailable],
) -> list[Entity]:
    """Return what ``rows`` were made from; append the errors of the others to ``unreadable``."""
    found = []
    for row in rows:
        try:
            found.append(mapped(row))
        except StorageUnavailable as error:
            unreadable.append(error)
    return found


def _unreadable(what: str) -> Unreadable:
    return Unreadable(f"The stored {what} cannot be read by this version of the service.")
