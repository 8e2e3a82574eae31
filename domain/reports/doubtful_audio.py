"""Audio of uploads whose commit failed, so that it may be in use or not."""

from __future__ import annotations

from contextlib import suppress

import attrs

from domain.recordings.recording import Recording, RecordingSource
from domain.recordings.repository import RecordingWork
from domain.reports.decide_report import Audio
from domain.shared.clock import Clock
from domain.shared.errors import Conflict
from domain.shared.identifiers import RecordingId
from domain.shared.ids import IdGenerator
from domain.shared.reported import Reported
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen(kw_only=True)
class DoubtfulAudio:
    """Finds out once the ledger answers, so that a worker's retries leave no copies.

    A recording is stored in its place that is marked as erased. If the commit got through, there is
    one already, and the audio stays. If not, no late commit can use it any more, and it is deleted
    with all that is erased. What a killed process does not find out is swept.
    """

    unit_of_work: UnitOfWorkFactory[RecordingWork]
    clock: Clock
    ids: IdGenerator
    _waiting: dict[RecordingId, Audio] = attrs.field(factory=dict, init=False)

    def add(self, audio: Audio) -> None:
        """Take audio that is in the store."""
        self._waiting[audio.id] = audio

    async def settle(self) -> None:
        """Find out of all that waits; nothing is read if nothing does.

        Raises ``StorageUnavailable``: the rest waits on.
        """
        for audio in [*self._waiting.values()]:
            with suppress(Conflict):
                await self._mark(audio)
            del self._waiting[audio.id]

    async def _mark(self, audio: Audio) -> None:
        now = self.clock.now()
        recording = Recording(
            id=audio.id,
            reported=Reported(report_id=self.ids.report_id()),
            source=RecordingSource.REPORT,
            key=audio.key,
            created_at=now,
            size=audio.size,
        )
        async with self.unit_of_work() as work:
            await work.recordings.keep(recording.erased(now))
            await work.commit()
