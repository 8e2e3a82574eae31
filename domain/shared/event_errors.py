"""The errors of streams of events."""

from __future__ import annotations

from domain.shared.errors import DomainError, RateLimited


class TooManyStreams(RateLimited):
    """The client has as many streams open as it may have."""

    code = "too_many_streams"


class NoRoomForStream(DomainError):
    """The process has as many streams open as it can serve, or stops."""

    code = "no_room_for_stream"
    status = 503
    is_refusal = True
    retry_after = 2
