"""Between rows and the domain's entities, by hand: the domain knows no ORM."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row

from domain.agent_config import AgentConfig
from domain.dispatch import DispatchClaim
from domain.errors import InvalidInput, StorageUnavailable
from domain.identifiers import Identity, RoomName, SessionId
from domain.session import EndReason, Session, SessionStatus


def session_values(session: Session) -> dict[str, Any]:
    """The columns of ``session``'s row."""
    return {
        "id": session.id.value,
        "room_name": session.room_name.value,
        "room_sid": session.room_sid,
        "identity": session.identity.value,
        "agent_name": session.agent_name,
        "agent_config": json.dumps(dict(session.agent_config.values), separators=(",", ":")),
        "status": session.status.value,
        "dispatch_id": session.dispatch_id,
        "claim_holder": session.claim.holder,
        "claim_expires_at": session.claim.expires_at,
        "claim_uncertain": session.claim.uncertain,
        "created_at": session.created_at,
        "dispatched_at": session.dispatched_at,
        "active_at": session.active_at,
        "ended_at": session.ended_at,
        "end_reason": None if session.end_reason is None else session.end_reason.value,
        "version": session.version,
    }


def to_session(row: Row[Any]) -> Session:
    """The session that ``row`` was made from.

    Raises :class:`~domain.errors.StorageUnavailable` for a row that this version of the service
    cannot have written.
    """
    try:
        return Session(
            id=SessionId(row.id),
            room_name=RoomName(row.room_name),
            room_sid=row.room_sid,
            identity=Identity(row.identity),
            agent_name=row.agent_name,
            agent_config=AgentConfig(json.loads(row.agent_config)),
            status=SessionStatus(row.status),
            dispatch_id=row.dispatch_id,
            claim=DispatchClaim(row.claim_holder, row.claim_expires_at, row.claim_uncertain),
            created_at=row.created_at,
            dispatched_at=row.dispatched_at,
            active_at=row.active_at,
            ended_at=row.ended_at,
            end_reason=None if row.end_reason is None else EndReason(row.end_reason),
            version=row.version,
        )
    except (ValueError, InvalidInput):
        raise StorageUnavailable(
            f"The stored session {row.id} cannot be read by this version of the service."
        ) from None
