"""A session as JSON."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from domain.sessions.dispatch_timing import DispatchTiming
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.sessions.session_timeline import SESSION_EVENTS
from domain.shared.timeline import Source
from entrypoints.presenters.fields import Timestamp, Uuid, documented
from entrypoints.presenters.times import rfc3339, rfc3339_or_none

SessionEvent = Annotated[str, documented(enum=list(SESSION_EVENTS))]


class SessionHappening(msgspec.Struct):
    """One thing that happened to a session, and the source that reported it."""

    at: Timestamp
    what: SessionEvent
    source: Source


class SessionResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A session as the ledger has it. Times are RFC 3339 in UTC with milliseconds.

    `agentDispatched` is true while the agent is in the room or on its way. `agentJoinedAt` and
    `agentLeftAt` are the latest agent's; `agentJoinSeconds` is how long it took from its dispatch
    until it joined. `agentAdopted`: the agent, or its dispatch, was in the room before the session.
    `agentId` and `agentVersion` name the saved agent that the session began with; null: none.
    `dispatch` is `on_join` where the agent is dispatched once a user has joined; `created` then
    means that none has, and a session that none joins by `joinUntil` ends as `abandoned`.
    """

    session_id: Uuid
    room_name: str
    room_sid: str | None
    user_identity: str
    agent_name: str
    agent_config: dict[str, Any]
    agent_id: Uuid | None
    agent_version: int | None
    status: SessionStatus
    agent_dispatched: bool
    dispatch: DispatchTiming
    join_until: Timestamp | None
    created_at: Timestamp
    dispatched_at: Timestamp | None
    active_at: Timestamp | None
    agent_joined_at: Timestamp | None
    agent_left_at: Timestamp | None
    agent_join_seconds: float | None
    agent_adopted: bool
    ended_at: Timestamp | None
    end_reason: EndReason | None
    call_id: Uuid | None
    timeline: list[SessionHappening]


def session_response(session: Session) -> SessionResponse:
    """Return ``session`` as the contract shows it."""
    latency = session.join_latency
    return SessionResponse(
        session_id=str(session.id),
        room_name=str(session.room_name),
        room_sid=session.room_sid,
        user_identity=str(session.identity),
        agent_name=session.agent_name,
        agent_config=dict(session.agent_config.values),
        agent_id=None if session.agent_id is None else str(session.agent_id),
        agent_version=session.agent_version,
        status=SessionStatus.ENDED if session.only_holds_room else session.status,
        agent_dispatched=session.agent_dispatched,
        dispatch=DispatchTiming.NOW if session.join_until is None else DispatchTiming.ON_JOIN,
        join_until=rfc3339_or_none(session.join_until),
        created_at=rfc3339(session.created_at),
        dispatched_at=rfc3339_or_none(session.dispatched_at),
        active_at=rfc3339_or_none(session.active_at),
        agent_joined_at=rfc3339_or_none(session.agent_joined_at),
        agent_left_at=rfc3339_or_none(session.agent_left_at),
        agent_join_seconds=None if latency is None else latency.total_seconds(),
        agent_adopted=session.agent_adopted,
        ended_at=rfc3339_or_none(session.ended_at),
        end_reason=session.end_reason,
        call_id=None if session.phone is None else str(session.phone.call_id),
        timeline=[
            SessionHappening(rfc3339(entry.at), entry.what, entry.source)
            for entry in session.timeline
        ],
    )
