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


def choose_session(
    candidates: Sequence[Session], job_id: str, known_at: datetime
) -> Session | None:
    """Return the session among those of one room instance that the job served.

    A room instance serves several sessions in turn if one was ended and another begun before the
    room closed. The one whose agent does this job is meant; else the newest that had begun before
    the job's report was made (``known_at``), because a report is sent when its session ends.
    """
    served = [session for session in candidates if session.agent_identity == agent_of(job_id)]
    begun = [each for each in candidates if each.created_at <= known_at + _CLOCKS_DIFFER]
    for found in (served, begun, candidates):
        if found:
            return max(found, key=lambda session: session.age)
    return None


def is_meant(session: Session, began: datetime, ended: datetime) -> bool:
    """Return whether a session of the room's name, whose instance never became known, is meant.

    ``began`` and ``ended`` are the job's, by the worker's clock.
    """
    return (
        session.room_sid is None
        and session.created_at <= ended + _CLOCKS_DIFFER
        and (session.ended_at is None or began <= session.ended_at + _CLOCKS_DIFFER)
    )
