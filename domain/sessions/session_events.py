"""The domain events of a session."""

from __future__ import annotations

from typing import Final

from domain.access.access import SYSTEM
from domain.events.announcer import Announcer
from domain.events.domain_event import DomainEvent, EventKind, News
from domain.sessions.repository import SessionRepository
from domain.sessions.session import Session
from domain.shared.identifiers import SessionId
from domain.shared.timeline import Source

FIRST: Final = 1
"""The sequence of a session's first event, unless a call's came before it in their lane."""


def session_lane(session: Session) -> str:
    """Return the lane of the session: that of the call which it serves, or its own."""
    return session.id.value if session.phone is None else session.phone.call_id.value


async def lane_of(sessions: SessionRepository, session_id: SessionId) -> str:
    """Return the lane of the session with this id; its own if it is not stored."""
    session = await sessions.get(session_id, SYSTEM)
    return session_id.value if session is None else session_lane(session)


def session_events(
    announcer: Announcer, session: Session, shown: Session, *, is_new: bool
) -> list[DomainEvent]:
    """Return the events of a change of ``session``, which show it as ``shown``."""
    news = session.news
    if is_new:
        news = (News(EventKind.SESSION_CREATED, session.created_at, Source.API), *news)
    return announcer.events(
        news,
        shown,
        lane=session_lane(session),
        tenant=session.tenant,
        session_id=session.id,
        call_id=None if session.phone is None else session.phone.call_id,
    )
