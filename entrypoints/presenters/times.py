"""Times as both show them: RFC 3339, UTC, milliseconds."""

from __future__ import annotations

from datetime import datetime

import msgspec


def rfc3339(time: datetime) -> str:
    """Return ``2026-11-23T06:27:37.123Z`` for an aware UTC time."""
    text = str(msgspec.to_builtins(time))  # takes a tenth of the time of isoformat()
    return f"{text[:23]}Z" if time.microsecond else f"{text[:19]}.000Z"


def rfc3339_or_none(time: datetime | None) -> str | None:
    """Do as :func:`rfc3339`; None stays None."""
    return None if time is None else rfc3339(time)
