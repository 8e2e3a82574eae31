"""Erasing recordings: rows are marked, then objects are deleted, then rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Executable, and_, bindparam, delete, exists, or_, select

from adapters.sqlalchemy.engine.database import AT_ONCE, Database
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Write
from adapters.sqlalchemy.recordings.mapping import to_recording
from adapters.sqlalchemy.recordings.table import IS_ERASED, IS_RUNNING, mark_erased, recordings
from adapters.sqlalchemy.sessions.table import sessions
from domain.recordings.recording import Recording
from domain.shared.identifiers import RecordingId

_AT: Final = bindparam("at", type_=UtcDateTime)
_BEFORE: Final = bindparam("before", type_=UtcDateTime)
_IS_KEPT: Final = recordings.c.erased_at.is_(None) & ~IS_RUNNING
_HAS_NO_OWNER: Final = or_(
    and_(
        recordings.c.session_id.is_not(None),
        ~exists(select(sessions.c.id).where(sessions.c.id == recordings.c.session_id)),
    ),
    and_(recordings.c.session_id.is_(None), recordings.c.created_at < _BEFORE),
)


def _mark_some(condition: ColumnElement[bool]) -> Executable:
    """Leave rows that another transaction is changing to the next time."""
    found = select(recordings.c.id).where(_IS_KEPT, condition).limit(AT_ONCE)
    which = recordings.c.id.in_(found.with_for_update(skip_locked=True, of=recordings))
    return mark_erased(which, _AT)


_MARK_OLD: Final = _mark_some(recordings.c.created_at < _BEFORE)
_MARK_OWNERLESS: Final = _mark_some(_HAS_NO_OWNER)
_MARKED: Final = (
    select(recordings).where(IS_ERASED).order_by(recordings.c.erased_at).limit(bindparam("most"))
)
_REMOVE: Final[Executable] = delete(recordings).where(
    recordings.c.id == bindparam("wanted"), IS_ERASED
)


class SqlRecordingErasure:
    """Implements :class:`domain.recordings.repository.Recordings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark_old(self, before: datetime, at: datetime) -> int:
        """Mark what was created before then."""
        return await self._database.repeat(_MARK_OLD, {"before": before, "at": at})

    async def mark_ownerless(self, unmatched_before: datetime, at: datetime) -> int:
        """Mark the recordings of sessions that the ledger no longer has."""
        values = {"before": unmatched_before, "at": at}
        return await self._database.repeat(_MARK_OWNERLESS, values)

    async def marked(self, limit: int) -> Sequence[Recording]:
        """Return recordings that are marked as erased, the oldest first."""
        rows = await self._database.read_many(_MARKED, {"most": limit})
        return [to_recording(row) for row in rows]

    async def remove(self, recording_id: RecordingId) -> None:
        """Delete the row of a marked recording."""
        values = {"wanted": recording_id.value}
        lock = ("recordings", recording_id.value)
        await self._database.write([Write(_REMOVE, values, lock, must_change=False)])
