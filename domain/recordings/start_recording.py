"""Record a live session by LiveKit's egress."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM, Access
from domain.recordings.egress import Egresses, EgressFact
from domain.recordings.recording import (
    Recording,
    RecordingSource,
    RecordingStatus,
    may_record,
    recording_key,
)
from domain.recordings.repository import RecordingWork
from domain.recordings.settle_egress import ATTEMPTS, SettleEgress
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.session import Session
from domain.shared.clock import Clock
from domain.shared.errors import Conflict
from domain.shared.identifiers import ReportId
from domain.shared.ids import IdGenerator
from domain.shared.livekit_errors import LiveKitError, LiveKitRefused, LiveKitUnreachable
from domain.shared.recording_errors import (
    RecordingRefused,
    RecordingsDisabled,
    RecordingStarting,
)
from domain.shared.reported import Reported
from domain.shared.unit_of_work import UnitOfWorkFactory

LEASE: Final = timedelta(seconds=45)
"""How long one request may take to start an egress: longer than LiveKit can take to answer."""

_RUNNING_AT_MOST: Final = 10_000


@attrs.frozen(kw_only=True)
class StartRecording:
    """Start one egress per session, however many requests there are.

    The recording is durable, under a lease, before LiveKit is asked. After an attempt whose outcome
    is unknown, LiveKit's list is read before another one is made. ``is_enabled``: RECORDINGS_URL is
    set.
    """

    read_sessions: ReadSessions
    unit_of_work: UnitOfWorkFactory[RecordingWork]
    egresses: Egresses
    settle_egress: SettleEgress
    clock: Clock
    ids: IdGenerator
    is_enabled: bool

    async def __call__(self, session_id: str, access: Access) -> Recording:
        """Return the session's recording, which runs already or has just been started.

        Raises ``NotFound``, ``RecordingsDisabled``, ``RecordingRefused``, ``RecordingStarting``
        (another request is starting it) or ``LiveKitError``.
        """
        if not self.is_enabled:
            raise RecordingsDisabled("RECORDINGS_URL is not set, so nothing can be recorded.")
        session = await self.read_sessions.by_id(session_id, access)
        if not may_record(session):
            raise RecordingRefused('This session began with "record": false.')
        if not session.is_live or session.only_holds_room:
            raise RecordingRefused("This session has ended.")
        for _ in range(ATTEMPTS):
            with suppress(Conflict):  # another request was quicker
                recording = await self._claimed(session)
                if recording.egress_id is not None:
                    return recording
                return await self._started(recording, session)
        if await self._is_ending(session):
            raise RecordingStarting(
                "An erased recording of this session is being stopped: try again in some seconds."
            )
        raise RecordingStarting("Other requests keep changing this session's recording.")

    async def _is_ending(self, session: Session) -> bool:
        """Return whether an egress goes on whose recording was erased, and is not shown."""
        async with self.unit_of_work() as work:
            running = await work.recordings.unsettled(_RUNNING_AT_MOST)
        return any(one.reported.session_id == session.id for one in running)

    async def _claimed(self, session: Session) -> Recording:
        """Return the running recording, or one whose egress this request shall start."""
        now = self.clock.now()
        async with self.unit_of_work() as work:
            running = [
                one
                for one in await work.recordings.of_session(session.id, SYSTEM)
                if one.is_running
            ]
            if not running:
                new = self._new(session).claimed(now + LEASE)
                await work.recordings.keep(new)
                await work.commit()
                return new
        recording = running[0]
        if recording.egress_id is not None:
            return recording
        # One that lasts longer was set before the clock was set back.
        if recording.claim_until is not None and now < recording.claim_until <= now + 2 * LEASE:
            raise RecordingStarting("Another request is starting this session's recording.")
        for fact in await self.egresses.in_room(session.room_name):
            if fact.recording_id == str(recording.id):
                return await self._settled(recording, fact)
        async with self.unit_of_work() as work:
            claimed = await work.recordings.save(recording.claimed(now + LEASE))
            await work.commit()
        return claimed

    def _new(self, session: Session) -> Recording:
        recording_id, source = self.ids.recording_id(), RecordingSource.EGRESS
        reported = Reported(
            report_id=ReportId(str(recording_id)),
            session_id=session.id,
            call_id=None if session.phone is None else session.phone.call_id,
            tenant=session.tenant,
        )
        return Recording(
            id=recording_id,
            reported=reported,
            source=source,
            key=recording_key(source, recording_id, "audio/ogg"),
            status=RecordingStatus.STARTING,
            created_at=self.clock.now(),
        )

    async def _started(self, recording: Recording, session: Session) -> Recording:
        try:
            fact = await self.egresses.start(session.room_name, recording.key)
        except (LiveKitRefused, LiveKitUnreachable) as error:
            await self._release(recording.failed(str(error)))
            raise
        except LiveKitError:
            # Something may record: the next request, or the reconciler, asks LiveKit.
            await self._release(attrs.evolve(recording, claim_until=None))
            raise
        return await self._settled(recording, fact)

    async def _release(self, recording: Recording) -> None:
        try:
            async with self.unit_of_work() as work:
                await work.recordings.save(recording)
                await work.commit()
        except Conflict:
            return  # LiveKit's own report of it was quicker

    async def _settled(self, recording: Recording, fact: EgressFact) -> Recording:
        return await self.settle_egress(fact) or recording
