"""Play recordings from the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import attrs

from domain.access.access import Access
from domain.recordings.link import LinkSigner, check_link
from domain.recordings.read_recordings import ReadRecordings
from domain.recordings.recording import Recording
from domain.recordings.repository import RecordingWork
from domain.recordings.store import RecordingStore
from domain.shared.clock import Clock
from domain.shared.errors import Conflict, InvalidInput, NotFound, StorageUnavailable
from domain.shared.identifiers import RecordingId
from domain.shared.recording_errors import RecordingMissing
from domain.shared.unit_of_work import UnitOfWorkFactory

_NO_STORE = "RECORDINGS_URL is not set, so this service does not reach the recording."
_GONE = "The store no longer has the recording's audio."


@attrs.frozen
class Audio:
    """A recording whose object is in the store, with the object's size in bytes."""

    recording: Recording
    size: int
    store: RecordingStore

    async def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Return the bytes from ``start`` until before ``end``, once the first are there.

        Raises ``RecordingMissing`` and ``RecordingStoreUnavailable``, which also come later.
        """
        chunks = self.store.get(self.recording.key, start, end)
        try:
            first = await anext(chunks, b"")
        except NotFound:
            raise RecordingMissing(_GONE) from None
        return _after(first, chunks)


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for chunk in rest:
            yield chunk
    finally:
        close = getattr(rest, "aclose", None)
        if close is not None:
            await close()


@attrs.frozen(kw_only=True)
class PlayRecording:
    """Finds the audio of a session, of a call or behind a link.

    Without ``recording_id`` that is the newest recording which the store has. ``store`` is None
    where RECORDINGS_URL is not set. What the store does not have is noted in the ledger.
    """

    read_recordings: ReadRecordings
    unit_of_work: UnitOfWorkFactory[RecordingWork]
    store: RecordingStore | None
    signer: LinkSigner
    clock: Clock

    async def of_session(
        self, session_id: str, access: Access, recording_id: str | None = None
    ) -> Audio:
        """Return the session's audio. Raises ``NotFound`` or ``RecordingStoreUnavailable``."""
        found = await self.read_recordings.of_session(session_id, access, recording_id)
        return await self._newest(found, "This session has no recording that can be played.")

    async def of_call(self, call_id: str, access: Access, recording_id: str | None = None) -> Audio:
        """Return the call's audio. Raises as :meth:`of_session`."""
        found = await self.read_recordings.of_call(call_id, access, recording_id)
        return await self._newest(found, "This call has no recording that can be played.")

    async def by_link(self, recording_id: str, expires: str | None, signature: str | None) -> Audio:
        """Return the audio that a link opens. Raises ``InvalidLink`` and as :meth:`of_session`."""
        check_link(self.signer, recording_id, expires, signature, self.clock.now())
        found: Recording | None = None
        with suppress(InvalidInput):
            async with self.unit_of_work() as work:
                found = await work.recordings.find(RecordingId(recording_id))
        return await self._newest(
            [] if found is None else [found], "There is no such recording any more."
        )

    async def _newest(self, found: Sequence[Recording], missing: str) -> Audio:
        playable = [one for one in found if one.is_playable]
        if not playable:
            raise NotFound(missing)
        if self.store is None:
            raise RecordingMissing(_NO_STORE)
        for recording in playable:
            size = await self.store.size(recording.key)
            if (size is None) != (recording.missing_at is not None):
                await self._note(
                    recording.missing(self.clock.now()) if size is None else recording.found()
                )
            if size is not None:
                return Audio(recording, size, self.store)
        raise RecordingMissing(_GONE)

    async def _note(self, recording: Recording) -> None:
        """Store it, unless something else has changed it: the next one who plays it notes it."""
        with suppress(Conflict, StorageUnavailable):
            async with self.unit_of_work() as work:
                await work.recordings.save(recording)
                await work.commit()
