"""Record what LiveKit reports of an egress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import attrs

from domain.events.domain_event import EventKind, NewEvent
from domain.recordings.egress import Egresses, EgressFact
from domain.recordings.recording import Recording, RecordingStatus
from domain.recordings.repository import RecordingWork
from domain.recordings.store import RecordingStore
from domain.shared.clock import Clock
from domain.shared.errors import Conflict, InvalidInput
from domain.shared.identifiers import RecordingId
from domain.shared.recording_errors import RecordingStoreUnavailable
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory

ATTEMPTS: Final = 5
"""To store a change that others keep changing; ``Conflict`` after that."""


@attrs.frozen(kw_only=True)
class SettleEgress:
    """Apply facts to the recording that their object names; other egresses are not ours.

    Facts commute, so one that loses a race is applied to the version that won. An egress beside the
    recording's own, such as one that a request started whose answer was lost, is stopped.
    ``present`` returns a recording as the API shows it, as JSON in UTF-8.
    """

    unit_of_work: UnitOfWorkFactory[RecordingWork]
    egresses: Egresses
    store: RecordingStore | None
    clock: Clock
    present: Callable[[Recording], bytes]

    async def __call__(self, fact: EgressFact, source: Source = Source.API) -> Recording | None:
        """Return the recording after ``fact``, durable; None if it is not one of ours.

        Raises ``StorageUnavailable``, ``Conflict``, and ``LiveKitError`` if a surplus egress cannot
        be stopped.
        """
        recording = await self._applied_at_last(fact, source)
        if recording is not None and self._is_surplus(recording, fact):
            await self.egresses.stop(fact.egress_id)
        return recording

    async def _applied_at_last(self, fact: EgressFact, source: Source) -> Recording | None:
        for _ in range(ATTEMPTS - 1):
            with suppress(Conflict):
                return await self._applied(fact, source)
        return await self._applied(fact, source)

    @staticmethod
    def _is_surplus(recording: Recording, fact: EgressFact) -> bool:
        is_its_own = recording.egress_id == fact.egress_id and recording.erased_at is None
        # One whose end was only concluded goes on after all, and its real end will be reported.
        may_go_on = recording.is_running or recording.is_concluded
        return not fact.state.has_ended and not (is_its_own and may_go_on)

    async def _applied(self, fact: EgressFact, source: Source) -> Recording | None:
        async with self.unit_of_work() as work:
            known = await self._known(work, fact)
            if known is None:
                return None
            changed = known.after(fact)
            if changed == known:
                return known
            if changed.status is RecordingStatus.AVAILABLE:
                changed = await self.with_size(changed)
            changed = await work.recordings.save(changed)
            if not known.is_playable:
                await self.announced(work, changed, source)
            await work.commit()
        return changed

    @staticmethod
    async def _known(work: RecordingWork, fact: EgressFact) -> Recording | None:
        try:
            recording_id = RecordingId(fact.recording_id or "")
        except InvalidInput:
            return None
        return await work.recordings.find(recording_id)

    async def with_size(self, recording: Recording) -> Recording:
        """Return it with the size of its object, or as missing if the store has none."""
        if self.store is None:
            return recording
        try:
            size = await self.store.size(recording.key)
        except RecordingStoreUnavailable:
            return recording
        if size is None:
            return recording.missing(self.clock.now())
        return attrs.evolve(recording, size=size)

    async def announced(self, work: RecordingWork, recording: Recording, source: Source) -> None:
        """Append ``recording.ready`` where a recording can be played from now on."""
        if not recording.is_playable or recording.missing_at is not None:
            return
        reported = recording.reported
        ready = NewEvent(
            kind=EventKind.RECORDING_READY,
            occurred_at=self.clock.now(),
            source=source,
            data=self.present(recording),
            tenant=reported.tenant,
            session_id=reported.session_id,
            call_id=reported.call_id,
        )
        await work.events.append(ready)
