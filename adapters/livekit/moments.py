"""LiveKit's timestamps → ``datetime``, in UTC with millisecond precision."""

from __future__ import annotations

from datetime import UTC, datetime


def from_milliseconds(milliseconds: int) -> datetime | None:
    """Return the time; None for 0, which protobuf cannot tell from "not set", or an impossible one.

    Computed in integers: a float of that size would lose milliseconds.
    """
    if milliseconds <= 0:
        return None
    seconds, rest = divmod(milliseconds, 1000)
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def from_nanoseconds(nanoseconds: int) -> datetime | None:
    """Return the time, cut to milliseconds, as :func:`from_milliseconds`."""
    return from_milliseconds(nanoseconds // 1_000_000)
