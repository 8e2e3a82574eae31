"""What happened to a session or a call, and how it became known."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

import attrs


class Source(enum.StrEnum):
    """The source of a fact; the first one where several reported it."""

    WEBHOOK = "webhook"
    RECONCILER = "reconciler"
    API = "api"
    WORKER = "worker"


COURSE: Final = ("joined", "ringing", "active", "agent_dispatched", "left", "reopened")


@attrs.frozen
class TimelineEntry:
    """One thing that happened: ``what`` at ``at``, reported by ``source``.

    ``what`` is one of :data:`COURSE` in a call's timeline, and of
    :data:`~domain.sessions.session.SESSION_EVENTS` in a session's.
    """

    at: datetime
    what: str
    source: Source

    @property
    def place(self) -> tuple[datetime, int, int]:
        """Sorts entries by time; what happened at once is in the order of a call's course."""
        return self.at, COURSE.index(self.what), list(Source).index(self.source)
