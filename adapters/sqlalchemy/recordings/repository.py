"""The ledger's recordings in a database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from sqlalchemy import Executable, Select, bindparam, insert, select, tuple_, update

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.page import of_tenants
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.recordings.mapping import recording_values, to_recording
from adapters.sqlalchemy.recordings.table import IS_RUNNING, recordings
from domain.access.access import Access
from domain.recordings.recording import Recording
from domain.shared.identifiers import CallId, RecordingId, ReportId, SessionId
from domain.shared.pagination import Cursor
from domain.shared.reported import Reported

_NEWEST_FIRST: Final = (recordings.c.created_at.desc(), recordings.c.id.desc())
_IS_SHOWN: Final = recordings.c.session_id.is_not(None) & recordings.c.erased_at.is_(None)

# Built once: SQLAlchemy then finds their compiled form by identity.
_GET: Final = select(recordings).where(recordings.c.id == bindparam("wanted"))
_OF_SESSION: Final = (
    select(recordings)
    .where(recordings.c.session_id == bindparam("wanted"))
    .order_by(*_NEWEST_FIRST)
)
_OF_CALL: Final = (
    select(recordings).where(recordings.c.call_id == bindparam("wanted")).order_by(*_NEWEST_FIRST)
)
_OF_REPORT: Final = select(recordings).where(recordings.c.report_id == bindparam("wanted"))
_PAGE: Final = select(recordings).where(_IS_SHOWN).order_by(*_NEWEST_FIRST).limit(bindparam("most"))
_NEXT_PAGE: Final = _PAGE.where(
    tuple_(recordings.c.created_at, recordings.c.id)
    < tuple_(bindparam("end", type_=UtcDateTime), bindparam("end_id"))
)
_UNSETTLED: Final = (
    select(recordings).where(IS_RUNNING).order_by(recordings.c.created_at).limit(bindparam("most"))
)
_KNOWN: Final = select(recordings.c.object_key).where(
    recordings.c.object_key.in_(bindparam("keys", expanding=True))
)
_ADD: Final[Executable] = insert(recordings)
_SAVE: Final[Executable] = update(recordings).where(
    recordings.c.id == bindparam("saved_id"), recordings.c.version == bindparam("read_version")
)


class SqlRecordings:
    """Implements :class:`domain.recordings.repository.RecordingRepository`.

    Changes are appended to ``writes``, for the unit of work to carry out; reads show them.
    """

    def __init__(self, database: Database, writes: list[Write]) -> None:
        self._database = database
        self._writes = writes
        self._changed: dict[RecordingId, Recording] = {}

    def forget(self) -> None:
        """No longer show changes, which are committed or undone."""
        self._changed.clear()

    async def keep(self, recording: Recording) -> None:
        """Store a new recording; a conflict surfaces at commit."""
        key = recording.id.value
        self._writes.append(Write(_ADD, recording_values(recording), _lock(recording), key=key))
        self._changed[recording.id] = recording

    async def save(self, recording: Recording) -> Recording:
        """Store a change of a recording; a conflict surfaces at commit."""
        stored = recording.stored()
        values = recording_values(stored)
        which = {"saved_id": values.pop("id"), "read_version": recording.version}
        write = Write(_SAVE, values | which, _lock(recording), key=recording.id.value)
        self._writes.append(write)
        self._changed[recording.id] = stored
        return stored

    async def match(self, reported: Reported) -> Sequence[Recording]:
        """Give the recordings of a report their session, call and tenant."""
        found = await self.of_report(reported.report_id)
        return [
            one if one.reported == reported else await self.save(one.matched(reported))
            for one in found
        ]

    async def get(self, recording_id: RecordingId, access: Access) -> Recording | None:
        """Return the recording with this id, if visible."""
        found = await self.find(recording_id)
        return found if found is not None and _is_visible(found, access) else None

    async def find(self, recording_id: RecordingId) -> Recording | None:
        """Return the recording with this id, whatever became of it."""
        found = await self._read(_GET, lambda one: one.id == recording_id, recording_id.value)
        return found[0] if found else None

    async def of_session(self, session_id: SessionId, access: Access) -> Sequence[Recording]:
        """Return the visible recordings of a session, the newest first."""
        found = await self._read(
            _OF_SESSION, lambda one: one.reported.session_id == session_id, session_id.value
        )
        return _newest_first(found, access)

    async def of_call(self, call_id: CallId, access: Access) -> Sequence[Recording]:
        """Return the visible recordings of a call, the newest first."""
        found = await self._read(
            _OF_CALL, lambda one: one.reported.call_id == call_id, call_id.value
        )
        return _newest_first(found, access)

    async def of_report(self, report_id: ReportId) -> Sequence[Recording]:
        """Return what a report brought."""
        return await self._read(
            _OF_REPORT, lambda one: one.reported.report_id == report_id, report_id.value
        )

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[Recording]:
        """Return the newest ``limit`` visible recordings, of those older than ``after``."""
        query: Select[Any] = _PAGE
        values: dict[str, object] = {"most": limit}
        if after is not None:
            query = _NEXT_PAGE
            values |= {"end": after.created_at, "end_id": after.id}
        owned: Any = of_tenants(query, recordings, access.tenants)
        return [to_recording(row) for row in await self._database.read_many(owned, values)]

    async def unsettled(self, limit: int) -> Sequence[Recording]:
        """Return committed recordings whose egress has not ended, the oldest first."""
        rows = await self._database.read_many(_UNSETTLED, {"most": limit})
        return [to_recording(row) for row in rows]

    async def known_keys(self, keys: Collection[str]) -> set[str]:
        """Return those of ``keys`` that a committed recording has."""
        if not keys:
            return set()
        rows = await self._database.read_many(_KNOWN, {"keys": list(keys)})
        return {row[0] for row in rows}

    async def _read(
        self, query: Select[Any], is_wanted: Callable[[Recording], bool], wanted: str
    ) -> list[Recording]:
        """What is committed, unless this unit has changed it, and what it has changed."""
        rows = await self._database.read(query, {"wanted": wanted})
        found = (to_recording(row) for row in rows)
        return [one for one in found if one.id not in self._changed] + [
            one for one in self._changed.values() if is_wanted(one)
        ]


def _lock(recording: Recording) -> Lock:
    """By its session, of which one egress may record: its id alone would not order that index."""
    owner = recording.reported.session_id or recording.reported.report_id
    return "recordings", owner.value, recording.id.value


def _is_visible(recording: Recording, access: Access) -> bool:
    return recording.is_shown and access.sees(recording.tenant)


def _newest_first(found: Sequence[Recording], access: Access) -> Sequence[Recording]:
    seen = (one for one in found if _is_visible(one, access))
    return sorted(seen, key=lambda one: one.age, reverse=True)
