"""A session's timeline: what happened, in order of time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.shared.timeline import Source, TimelineEntry

SESSION_EVENTS: Final = (
    "agent_dispatched",
    "agent_adopted",
    "agent_joined",
    "agent_left",
    "agent_never_joined",
    "dispatch_failed",
    "ended",
    "reopened",
)
"""What a session's timeline may say."""

_BEGINNING: Final = 8
_LENGTH: Final = 40
"""A session that retries for hours keeps its first entries and its latest ones."""


def with_entry(
    timeline: tuple[TimelineEntry, ...], at: datetime, what: str, source: Source
) -> tuple[TimelineEntry, ...]:
    """Return ``timeline`` with one more entry, shortened in the middle if it is too long."""
    entries = sorted((*timeline, TimelineEntry(at, what, source)), key=lambda entry: entry.at)
    if len(entries) > _LENGTH:
        del entries[_BEGINNING]
    return tuple(entries)
