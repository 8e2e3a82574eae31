"""Between the rows of sessions and the domain's."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from adapters.sqlalchemy.mapping import timeline_text, to_timeline, unreadable_row
from domain.agents.agent_config import AgentConfig
from domain.rooms.dispatch import DispatchClaim
from domain.rooms.sip_leg import Direction
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.session import Session
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import AgentId, CallId, Identity, RoomName, SessionId


def session_values(session: Session, announce_at: datetime | None) -> dict[str, Any]:
    """The columns of ``session``'s row, whose end is announced at ``announce_at``."""
    phone = session.phone
    return {
        "id": session.id.value,
        "room_name": session.room_name.value,
        "identity": session.identity.value,
        "agent_name": session.agent_name,
        "agent_id": None if session.agent_id is None else session.agent_id.value,
        "agent_version": session.agent_version,
        "created_at": session.created_at,
        "call_id": None if phone is None else phone.call_id.value,
        "direction": None if phone is None else phone.direction.value,
        "caller_number": None if phone is None else phone.caller_number,
        "called_number": None if phone is None else phone.called_number,
        "tenant": session.tenant,
        **session_moves(session, announce_at),
    }


def session_moves(session: Session, announce_at: datetime | None) -> dict[str, Any]:
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
        "announce_at": announce_at,
        "agent_identity": session.agent_identity,
        "earlier_agents": json.dumps(session.earlier_agents) if session.earlier_agents else None,
        "agent_joined_at": session.agent_joined_at,
        "agent_left_at": session.agent_left_at,
        "agent_adopted": session.agent_adopted,
        "dispatch_attempts": session.dispatch_attempts,
        "retry_at": session.retry_at,
        "join_until": session.join_until,
        "token_until": session.token_until,
        "timeline": timeline_text(session.timeline),
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
            agent_id=None if row.agent_id is None else AgentId(row.agent_id),
            agent_version=row.agent_version,
            active_at=row.active_at,
            end_reason=None if row.end_reason is None else EndReason(row.end_reason),
            end_concluded=row.end_concluded,
            end_pending=row.announce_at is not None,
            agent_identity=row.agent_identity,
            earlier_agents=tuple(json.loads(row.earlier_agents or "[]")),
            agent_joined_at=row.agent_joined_at,
            agent_left_at=row.agent_left_at,
            agent_adopted=row.agent_adopted,
            dispatch_attempts=row.dispatch_attempts,
            timeline=to_timeline(row.timeline),
            phone=None if row.call_id is None else _phone(row),
            tenant=row.tenant,
        )
    except (ValueError, TypeError, InvalidInput):
        raise unreadable_row(f"session {row.id}") from None


def to_session_outline(row: Row[Any]) -> SessionOutline:
    """The outline that ``row`` was made from. Raises as :func:`to_session`."""
    try:
        return SessionOutline(**_outline_of(row))
    except (ValueError, TypeError, InvalidInput):
        raise unreadable_row(f"session {row.id}") from None


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
        "join_until": row.join_until,
        "token_until": row.token_until,
        "version": row.version,
    }


def _phone(row: Row[Any]) -> PhoneCorrelation:
    return PhoneCorrelation(
        call_id=CallId(row.call_id),
        direction=Direction(row.direction),
        caller_number=row.caller_number,
        called_number=row.called_number,
    )
