"""Look recordings up in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs

from domain.access.access import Access
from domain.calls.read_calls import ReadCalls
from domain.recordings.recording import Recording
from domain.recordings.repository import RecordingWork
from domain.sessions.read_sessions import ReadSessions
from domain.shared.errors import NotFound
from domain.shared.identifiers import RecordingId
from domain.shared.look_up import look_up
from domain.shared.pagination import Cursor
from domain.shared.unit_of_work import UnitOfWorkFactory

_MISSING = "There is no recording with this id."


@attrs.frozen
class ReadRecordings:
    """Reads the ledger only; neither LiveKit nor the store is asked."""

    unit_of_work: UnitOfWorkFactory[RecordingWork]
    read_sessions: ReadSessions
    read_calls: ReadCalls

    async def by_id(self, recording_id: str, access: Access) -> Recording:
        """Return the recording with this id if it is visible. Raises ``NotFound``."""
        async with self.unit_of_work() as work:
            find = partial(work.recordings.get, access=access)
            return await look_up(
                recording_id, RecordingId, find, missing=_MISSING, field="recordingId"
            )

    async def of_session(
        self, session_id: str, access: Access, recording_id: str | None = None
    ) -> Sequence[Recording]:
        """Return the session's recordings, the newest first, or the one with this id.

        Raises ``NotFound`` for a session or an id that is not visible.
        """
        session = await self.read_sessions.by_id(session_id, access)
        async with self.unit_of_work() as work:
            found = await work.recordings.of_session(session.id, access)
        return _with_id(found, recording_id)

    async def of_call(
        self, call_id: str, access: Access, recording_id: str | None = None
    ) -> Sequence[Recording]:
        """Return the call's recordings, as :meth:`of_session`.

        An egress records a session, so the recordings of the call's session are the call's.
        """
        call = await self.read_calls.by_id(call_id, access)
        async with self.unit_of_work() as work:
            found = {one.id: one for one in await work.recordings.of_call(call.id, access)}
            if call.session_id is not None:
                for one in await work.recordings.of_session(call.session_id, access):
                    if one.reported.call_id in (None, call.id):
                        found[one.id] = one
        newest_first = sorted(found.values(), key=lambda one: one.age, reverse=True)
        return _with_id(newest_first, recording_id)

    async def page(self, after: Cursor | None, limit: int, access: Access) -> Sequence[Recording]:
        """Return the newest visible recordings, of those older than ``after``."""
        async with self.unit_of_work() as work:
            return await work.recordings.page(after, limit, access)


def _with_id(found: Sequence[Recording], wanted: str | None) -> Sequence[Recording]:
    if not wanted:
        return found
    chosen = [one for one in found if str(one.id) == wanted]
    if not chosen:
        raise NotFound(_MISSING, field="recordingId")
    return chosen
