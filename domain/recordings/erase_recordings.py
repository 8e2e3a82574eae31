"""Erase recordings: their rows are marked, then their objects are deleted, then the rows."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.recordings.egress import Egresses
from domain.recordings.read_recordings import ReadRecordings
from domain.recordings.recording import Recording
from domain.recordings.repository import Recordings, RecordingWork
from domain.recordings.store import RecordingStore
from domain.shared.clock import Clock
from domain.shared.errors import Conflict
from domain.shared.livekit_errors import LiveKitError
from domain.shared.recording_errors import RecordingStoreUnavailable
from domain.shared.unit_of_work import UnitOfWorkFactory

UNMATCHED_FOR: Final = timedelta(days=7)
"""How long the audio of a report is held whose session stays unknown."""

_AT_ONCE: Final = 500


@attrs.frozen(kw_only=True)
class EraseRecordings:
    """A crash between two steps loses nothing and leaves no object: the next run goes on.

    ``store`` is None where RECORDINGS_URL is not set: objects then stay until it is set.
    ``egresses`` is None where LiveKit is out of reach, as on the command line.
    """

    read_recordings: ReadRecordings
    unit_of_work: UnitOfWorkFactory[RecordingWork]
    recordings: Recordings
    store: RecordingStore | None
    egresses: Egresses | None
    clock: Clock

    async def one(self, recording_id: str, access: Access) -> None:
        """Erase a recording. Raises ``NotFound``, and ``Forbidden`` without the scope ``admin``."""
        access.require(Scope.ADMIN)
        while not await self._marked(recording_id, access):
            continue
        await self.finish()

    async def _marked(self, recording_id: str, access: Access) -> bool:
        recording = await self.read_recordings.by_id(recording_id, access)
        with suppress(Conflict):  # it has changed meanwhile
            async with self.unit_of_work() as work:
                await work.recordings.save(recording.erased(self.clock.now()))
                await work.commit()
                return True
        return False

    async def expire(self, kept: timedelta | None) -> int:
        """Mark what is older than it is kept, and what no longer has a session; return how many."""
        now = self.clock.now()
        marked = 0 if kept is None else await self.recordings.mark_old(now - kept, now)
        return marked + await self.recordings.mark_ownerless(now - UNMATCHED_FOR, now)

    async def finish(self) -> int:
        """Delete the objects and the rows of what is marked; return how many.

        A recording that is still being made is stopped first, and deleted once it has ended. Raises
        ``RecordingStoreUnavailable`` once the others have been tried; the next run goes on.
        """
        done, store = 0, self.store
        if store is None:
            return 0
        while True:
            removed, problem = 0, None
            for recording in await self.recordings.marked(_AT_ONCE):
                if recording.is_running:
                    await self._stop(recording)
                    continue
                try:
                    await store.delete(recording.key)
                except RecordingStoreUnavailable as error:
                    if isinstance(problem, RecordingStoreUnavailable) and not removed:
                        raise  # it is down
                    problem = error
                    continue
                await self.recordings.remove(recording.id)
                removed += 1
            done += removed
            if problem is not None:
                raise problem
            if removed < _AT_ONCE:
                return done

    async def _stop(self, recording: Recording) -> None:
        if self.egresses is not None and recording.egress_id is not None:
            with suppress(LiveKitError):  # the next run tries again
                await self.egresses.stop(recording.egress_id)
