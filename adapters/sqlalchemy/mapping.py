"""Row ↔ session, by hand: the domain knows no ORM."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import RowMapping

from domain.agent_config import AgentConfig
from domain.dispatch import DispatchClaim
from domain.identifiers import Identity, RoomName, SessionId
from domain.session import EndReason, Session, SessionStatus


def to_row(session: Session) -> dict[str, Any]:
    """The columns of ``sessions``."""
    return {
        "id": str(session.id),
        "room_name": str(session.room_name),
        "room_sid": session.room_sid,
        "identity": str(session.identity),
        "agent_name": session.agent_name,
        "agent_config": json.dumps(dict(session.agent_config.values), ensure_ascii=True),
        "status": session.status.value,
        "dispatch_id": session.dispatch_id,
        "claim_holder": session.claim.holder,
        "claim_expires_at": session.claim.expires_at,
        "claim_uncertain": session.claim.uncertain,
        "created_at": session.created_at,
        "dispatched_at": session.dispatched_at,
        "active_at": session.active_at,
        "ended_at": session.ended_at,
        "end_reason": session.end_reason.value if session.end_reason else None,
        "version": session.version,
    }


def to_session(row: RowMapping) -> Session:
    """The session that :func:`to_row` was given."""
    return Session(
        id=SessionId(row["id"]),
        room_name=RoomName(row["room_name"]),
        room_sid=row["room_sid"],
        identity=Identity(row["identity"]),
        agent_name=row["agent_name"],
        agent_config=AgentConfig(json.loads(row["agent_config"])),
        status=SessionStatus(row["status"]),
        dispatch_id=row["dispatch_id"],
        claim=DispatchClaim(
            holder=row["claim_holder"],
            expires_at=row["claim_expires_at"],
            uncertain=row["claim_uncertain"],
        ),
        created_at=row["created_at"],
        dispatched_at=row["dispatched_at"],
        active_at=row["active_at"],
        ended_at=row["ended_at"],
        end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
        version=row["version"],
    )
