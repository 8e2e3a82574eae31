"""Between the rows of recordings and the domain's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row

from adapters.sqlalchemy.mapping import unreadable_row
from domain.recordings.recording import Recording, RecordingSource, RecordingStatus
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import CallId, RecordingId, ReportId, SessionId
from domain.shared.reported import Reported

_MILLISECOND: Final = timedelta(milliseconds=1)


def recording_values(recording: Recording) -> dict[str, Any]:
    """Return the columns of ``recording``'s row."""
    reported = recording.reported
    return {
        "id": recording.id.value,
        "report_id": reported.report_id.value,
        "session_id": None if reported.session_id is None else reported.session_id.value,
        "call_id": None if reported.call_id is None else reported.call_id.value,
        "tenant": reported.tenant,
        "source": recording.source.value,
        "status": recording.status.value,
        "object_key": recording.key,
        "content_type": recording.content_type,
        "size": recording.size,
        "started_at": recording.started_at,
        "duration_ms": None if recording.duration is None else recording.duration // _MILLISECOND,
        "created_at": recording.created_at,
        "missing_at": recording.missing_at,
        "erased_at": recording.erased_at,
        "egress_id": recording.egress_id,
        "error": recording.error,
        "claim_until": recording.claim_until,
        "attempts": recording.attempts,
        "absent_since": recording.absent_since,
        "version": recording.version,
    }


def to_recording(row: Row[Any]) -> Recording:
    """Return the recording that ``row`` was made from.

    Raises ``StorageUnavailable`` for a row that this version of the service cannot have written.
    """
    try:
        duration = row.duration_ms
        return Recording(
            id=RecordingId(row.id),
            reported=Reported(
                report_id=ReportId(row.report_id),
                session_id=None if row.session_id is None else SessionId(row.session_id),
                call_id=None if row.call_id is None else CallId(row.call_id),
                tenant=row.tenant,
            ),
            source=RecordingSource(row.source),
            status=RecordingStatus(row.status),
            key=row.object_key,
            content_type=row.content_type,
            size=row.size,
            started_at=row.started_at,
            duration=None if duration is None else duration * _MILLISECOND,
            created_at=row.created_at,
            missing_at=row.missing_at,
            erased_at=row.erased_at,
            egress_id=row.egress_id,
            error=row.error,
            claim_until=row.claim_until,
            attempts=row.attempts,
            absent_since=row.absent_since,
            version=row.version,
        )
    except (ValueError, TypeError, InvalidInput):
        raise unreadable_row(f"recording {row.id}") from None
