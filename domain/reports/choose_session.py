"""Which session a report belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.sessions.session import Session

AGENT_PREFIX: Final = "agent-"
"""Before the job's id in the identity that LiveKit gives to an agent."""
_CLOCKS_DIFFER: Final = timedelta(minutes=1)


def agent_of(job_id: str) -> str:
    """Return the identity of the participant that does the job."""
    return f"{AGENT_PREFIX}{job_id}"


def job_of(identity: str) -> str:
    """Return the job of the agent with this identity; empty if its name does not say it."""
    return identity.removeprefix(AGENT_PREFIX) if identity.startswith(AGENT_PREFIX) else ""


def choose_session(
    candidates: Sequence[Session], job_id: str, known_at: datetime
) -> Session | None:
    """Return the session among those of one room instance that the job served.

    A room instance serves several sessions in turn if one was ended and another begun before the
    room closed. The one whose agent does or did this job is meant; else, of those that no other job
    is known to serve, the newest that had begun before the job's report was made (``known_at``),
    because a report is sent when its session ends. Without proof none is chosen if it may be one of
    several tenants'.
    """
    served = [session for session in candidates if agent_of(job_id) in session.agents]
    if served:
        return _newest(served)
    possible = [each for each in candidates if not _has_another_job(each)] or candidates
    if len({session.tenant for session in possible}) > 1:
        return None
    for latest in (known_at, known_at + _CLOCKS_DIFFER):
        begun = [session for session in possible if session.created_at <= latest]
        if begun:
            return _newest(begun)
    return _newest(possible) if possible else None


def _newest(sessions: Sequence[Session]) -> Session:
    return max(sessions, key=lambda session: session.age)


def _has_another_job(session: Session) -> bool:
    return (session.agent_identity or "").startswith(AGENT_PREFIX)


def is_meant(session: Session, began: datetime, ended: datetime) -> bool:
    """Return whether a session of the room's name, whose instance never became known, is meant.

    ``began`` and ``ended`` are the job's, by the worker's clock.
    """
    return (
        session.room_sid is None
        and session.created_at <= ended + _CLOCKS_DIFFER
        and (session.ended_at is None or began <= session.ended_at + _CLOCKS_DIFFER)
    )
