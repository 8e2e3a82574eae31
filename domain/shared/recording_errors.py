"""The errors of recordings."""

from __future__ import annotations

from domain.shared.errors import DomainError, NotFound


class RecordingStoreUnavailable(DomainError):
    """The folder or the bucket of the recordings could not be read or written."""

    code = "recordings_unavailable"
    status = 503
    retry_after = 5
    is_outage = True


class RecordingsDisabled(DomainError):
    """RECORDINGS_URL is not set, so nothing is recorded."""

    code = "recordings_disabled"
    status = 409
    is_refusal = True


class RecordingRefused(DomainError):
    """The session may not be recorded, or its room is not there to be recorded."""

    code = "recording_refused"
    status = 409
    is_refusal = True


class RecordingStarting(DomainError):
    """Another request is starting the session's recording."""

    code = "recording_starting"
    status = 409
    retry_after = 2


class RecordingMissing(NotFound):
    """The recording's audio is no longer in the store."""

    code = "recording_missing"


class RangeNotSatisfiable(DomainError):
    """The range that was asked for has no byte of the recording, which has ``size`` bytes."""

    code = "range_not_satisfiable"
    status = 416
    size: int = 0

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


class InvalidLink(DomainError):
    """A signed link that has expired, or that this service has not signed."""

    code = "invalid_link"
    status = 403
