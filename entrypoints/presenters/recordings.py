"""A recording as JSON."""

from __future__ import annotations

import msgspec

from domain.recordings.recording import Recording, RecordingSource, RecordingStatus
from entrypoints.presenters.fields import Timestamp, Uuid
from entrypoints.presenters.times import rfc3339, rfc3339_or_none


class RecordingResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A recording as the ledger has it. Times are RFC 3339 in UTC with milliseconds.

    `source` says who recorded: the agent's worker (`report`), or LiveKit (`egress`). The audio can
    be played once `status` is `available`; `missingAt` says that the store no longer had it then.
    `startedAt` and `durationSeconds` are what the recorder reported; null if it did not. `error`
    says why a recording by egress has `failed`.
    """

    recording_id: Uuid
    session_id: Uuid | None
    call_id: Uuid | None
    source: RecordingSource
    status: RecordingStatus
    content_type: str
    size_bytes: int | None
    started_at: Timestamp | None
    duration_seconds: float | None
    created_at: Timestamp
    missing_at: Timestamp | None
    egress_id: str | None
    error: str | None


def recording_response(recording: Recording) -> RecordingResponse:
    """Return ``recording`` as the contract shows it."""
    reported, duration = recording.reported, recording.duration
    return RecordingResponse(
        recording_id=str(recording.id),
        session_id=None if reported.session_id is None else str(reported.session_id),
        call_id=None if reported.call_id is None else str(reported.call_id),
        source=recording.source,
        status=recording.status,
        content_type=recording.content_type,
        size_bytes=recording.size,
        started_at=rfc3339_or_none(recording.started_at),
        duration_seconds=None if duration is None else duration.total_seconds(),
        created_at=rfc3339(recording.created_at),
        missing_at=rfc3339_or_none(recording.missing_at),
        egress_id=recording.egress_id,
        error=recording.error,
    )


def recording_data(recording: Recording) -> bytes:
    """Return it as JSON in UTF-8, for an event."""
    return msgspec.json.encode(recording_response(recording))
