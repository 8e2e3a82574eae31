"""Ask LiveKit what became of the recordings that have not ended."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.recordings.egress import Egresses, EgressFact, EgressState
from domain.recordings.recording import Recording, RecordingStatus
from domain.recordings.repository import RecordingWork
from domain.recordings.settle_egress import SettleEgress
from domain.sessions.session import Session
from domain.shared.clock import Clock
from domain.shared.errors import Conflict
from domain.shared.livekit_errors import LiveKitError, LiveKitUncertain, LiveKitWithoutEgress
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory

AT_ONCE: Final = 100
"""Recordings that one cycle asks about, the oldest first."""

ABSENT_FOR: Final = timedelta(minutes=1)
"""How long LiveKit must not list an egress before its end is concluded."""

ENDS_WITHIN: Final = timedelta(minutes=1)
"""How long after its session an egress should have ended, or begun to."""

LONGEST_CLAIM: Final = timedelta(minutes=2)
"""A claim that lasts longer was made before the clock was set back."""

_LOST: Final = (
    "The egress was lost before it had reported its end, and the store has no audio of it."
)


@attrs.frozen(kw_only=True)
class SettleRecordings:
    """Find what lost webhooks would have reported; LiveKit is asked nothing if nothing runs."""

    unit_of_work: UnitOfWorkFactory[RecordingWork]
    egresses: Egresses
    settle_egress: SettleEgress
    clock: Clock

    async def __call__(self) -> int:
        """Return how many recordings were looked into.

        Raises ``LiveKitError``, at once in an outage, else once the other recordings are done.
        """
        problem: LiveKitError | None = None
        async with self.unit_of_work() as work:
            unsettled = await work.recordings.unsettled(AT_ONCE)
        for recording in unsettled:
            try:
                with suppress(Conflict):  # LiveKit reports something at this moment
                    await self._settle(recording)
            except LiveKitError as error:
                if error.is_outage:
                    raise
                problem = error
        if problem is not None:
            raise problem
        return len(unsettled)

    async def _settle(self, recording: Recording) -> None:
        now, claim = self.clock.now(), recording.claim_until
        if claim is not None and now < claim <= now + LONGEST_CLAIM:
            return  # a request is starting it
        facts: Sequence[EgressFact] = []
        with suppress(LiveKitWithoutEgress):  # which lists none, either
            facts = await self._facts(recording, now)
        for fact in facts:
            await self.settle_egress(fact, Source.RECONCILER)
        if not facts:
            await self._absent(recording, now)

    async def _facts(self, recording: Recording, now: datetime) -> Sequence[EgressFact]:
        """Return what LiveKit lists of the recording: at most its egress, and surplus ones.

        An egress that no service runs any more is left out, although LiveKit lists it.
        """
        if recording.egress_id is not None:
            fact = await self.egresses.find(recording.egress_id)
            if fact is None or await self._is_lost(recording, fact, now):
                return []
            return [fact]
        session = await self._session(recording)
        if session is None:
            return []
        facts = await self.egresses.in_room(session.room_name)
        return [fact for fact in facts if fact.recording_id == str(recording.id)]

    async def _is_lost(self, recording: Recording, fact: EgressFact, now: datetime) -> bool:
        """Return whether no service runs the egress any more, although LiveKit lists it as running.

        One that should go on is not asked: that would stop it.
        """
        if fact.state.has_ended:
            return False
        should_end = (
            fact.state is EgressState.ENDING
            or recording.status is RecordingStatus.ENDING
            or recording.erased_at is not None
            or _is_over(await self._session(recording), now)
        )
        return should_end and not await self._stopped(fact.egress_id)

    async def _session(self, recording: Recording) -> Session | None:
        session_id = recording.reported.session_id
        if session_id is None:
            return None
        async with self.unit_of_work() as work:
            return await work.sessions.get(session_id, SYSTEM)

    async def _stopped(self, egress_id: str) -> bool:
        """Stop an egress that should end; return whether a service runs it.

        LiveKit lists an egress as it was last reported, so one whose service was killed stays
        active forever (livekit-server 1.13.5).
        """
        try:
            return await self.egresses.stop(egress_id)
        except LiveKitUncertain as error:
            if not error.timed_out:
                raise
            return False

    async def _absent(self, recording: Recording, now: datetime) -> None:
        """Conclude, once that has lasted, from what the store has."""
        since = recording.absent_since
        if since is None or now < since:  # the clock was set back
            changed = attrs.evolve(recording, absent_since=now)
        elif now - since < ABSENT_FOR:
            return
        else:
            found = await self.settle_egress.with_size(recording)
            if found.missing_at is None and found.size is not None:
                changed = found.recorded(found.size)
            else:
                changed = recording.failed(_LOST)
        async with self.unit_of_work() as work:
            stored = await work.recordings.save(changed)
            await self.settle_egress.announced(work, stored, Source.RECONCILER)
            await work.commit()


def _is_over(session: Session | None, now: datetime) -> bool:
    """Return whether nothing should record the session any more."""
    if session is None:
        return True
    ended_at = None if session.end_pending else session.ended_at
    return ended_at is not None and now - ended_at >= ENDS_WITHIN
