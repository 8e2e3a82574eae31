"""Stop the recording of a session."""

from __future__ import annotations

import attrs

from domain.access.access import Access
from domain.recordings.egress import Egresses
from domain.recordings.read_recordings import ReadRecordings
from domain.recordings.recording import Recording, RecordingSource
from domain.recordings.repository import RecordingWork
from domain.recordings.settle_egress import ATTEMPTS
from domain.shared.errors import Conflict, NotFound
from domain.shared.livekit_errors import LiveKitUncertain
from domain.shared.recording_errors import RecordingStarting
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen(kw_only=True)
class StopRecording:
    """Let the session's egress complete; the recording is available a little later."""

    read_recordings: ReadRecordings
    unit_of_work: UnitOfWorkFactory[RecordingWork]
    egresses: Egresses

    async def __call__(self, session_id: str, access: Access) -> Recording:
        """Return the recording that ends now; the newest one if it has ended already.

        Raises ``NotFound`` if the session was never recorded by egress, ``RecordingStarting`` while
        it is being started, and ``LiveKitError``.
        """
        for _ in range(ATTEMPTS):
            found = await self.read_recordings.of_session(session_id, access)
            recorded = [one for one in found if one.source is RecordingSource.EGRESS]
            recording = next((one for one in recorded if one.is_running), None)
            if recording is None:
                if not recorded:
                    raise NotFound("No egress has recorded this session.")
                return recorded[0]
            if recording.egress_id is None:
                raise RecordingStarting("The recording of this session is being started.")
            uncertain: LiveKitUncertain | None = None
            try:
                await self.egresses.stop(recording.egress_id)
            except LiveKitUncertain as error:
                uncertain = error  # it may end, so the reconciler asks again
            ending = recording.ending()
            if ending != recording:
                try:
                    async with self.unit_of_work() as work:
                        ending = await work.recordings.save(ending)
                        await work.commit()
                except Conflict:
                    continue  # LiveKit has reported something meanwhile
            if uncertain is not None:
                raise uncertain
            return ending
        raise RecordingStarting("Other requests keep changing the recording of this session.")
