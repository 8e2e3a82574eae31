"""Recordings over memory: a ledger, a store and LiveKit's egress, each of which can fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from adapters.memory.storage import MemoryStorage
from adapters.system.link_signer import HmacLinkSigner
from domain.access.access import SYSTEM
from domain.calls.read_calls import ReadCalls
from domain.events.announcer import Announcer
from domain.recordings.egress import EgressFact, EgressState
from domain.recordings.erase_recordings import EraseRecordings
from domain.recordings.link import MakeLink
from domain.recordings.play_recording import PlayRecording
from domain.recordings.read_recordings import ReadRecordings
from domain.recordings.recording import Recording, RecordingSource, recording_key
from domain.recordings.settle_egress import SettleEgress
from domain.recordings.settle_recordings import ENDS_WITHIN, SettleRecordings
from domain.recordings.start_recording import StartRecording
from domain.recordings.stop_recording import StopRecording
from domain.recordings.store import StoredObject
from domain.recordings.sweep_store import SweepStore
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.errors import NotFound
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitUncertain
from domain.shared.recording_errors import RecordingStoreUnavailable
from domain.shared.reported import Reported
from entrypoints.presenters.events import event_data
from entrypoints.presenters.recordings import recording_data
from tests.contract.storage.ledgers import new_session
from tests.unit.worlds.fakes import FakeClock, SequentialIds


class FakeStore:
    """Implements the port with a dictionary. ``is_down`` makes it fail, ``stuck`` deletions."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.is_down = False
        self.stuck: set[str] = set()
        self.part = 1000

    def _check(self) -> None:
        if self.is_down:
            raise RecordingStoreUnavailable("The store is down.")

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> int:  # noqa: ARG002
        self._check()
        self.objects[key] = b"".join([chunk async for chunk in chunks])
        return len(self.objects[key])

    async def get(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        self._check()
        if key not in self.objects:
            raise NotFound("no such object")
        for at in range(start, end):
            self._check()
            yield self.objects[key][at : at + 1]

    async def size(self, key: str) -> int | None:
        self._check()
        return len(self.objects[key]) if key in self.objects else None

    async def delete(self, key: str) -> None:
        self._check()
        if key in self.stuck:
            raise RecordingStoreUnavailable("Access denied.")
        self.objects.pop(key, None)

    async def list(self) -> AsyncIterator[Sequence[StoredObject]]:
        self._check()
        keys = sorted(self.objects)
        for at in range(0, len(keys), self.part):
            yield [
                StoredObject(key, len(self.objects[key]), datetime.min)
                for key in keys[at : at + self.part]
            ]

    async def check(self) -> None:
        self._check()


class FakeEgresses:
    """Implements the port. ``raises`` is what the next start fails with; ``takes``: after it took
    effect. The service that runs those in ``killed`` is gone: LiveKit lists them as before."""

    def __init__(self) -> None:
        self.facts: dict[str, EgressFact] = {}
        self.raises: Exception | None = None
        self.takes = True
        self.refuses: dict[str, Exception] = {}
        self.stopped: list[str] = []
        self.killed: set[str] = set()
        self.unstoppable: Exception | None = None
        self.asked = 0

    async def start(self, room_name: RoomName, key: str) -> EgressFact:
        error, self.raises = self.raises, None
        if error is not None and not self.takes:
            raise error
        fact = EgressFact(
            egress_id=f"EG_{len(self.facts) + 1}",
            room_name=str(room_name),
            state=EgressState.STARTING,
            key=key,
            recording_id=key.removeprefix("egress/")[:36],
        )
        self.facts[fact.egress_id] = fact
        if error is not None:
            raise error
        return fact

    async def stop(self, egress_id: str) -> bool:
        self.stopped.append(egress_id)
        if self.unstoppable is not None:
            raise self.unstoppable
        fact = self.facts.get(egress_id)
        if fact is None or fact.state.has_ended:
            return False
        if egress_id in self.killed:
            if fact.state is EgressState.ENDING:
                return False
            raise LiveKitUncertain("LiveKit ran out of time; try again.", timed_out=True)
        self.become(egress_id, EgressState.ENDING)
        return True

    async def in_room(self, room_name: RoomName) -> Sequence[EgressFact]:
        self.asked += 1
        return [fact for fact in self.facts.values() if fact.room_name == str(room_name)]

    async def find(self, egress_id: str) -> EgressFact | None:
        self.asked += 1
        if egress_id in self.refuses:
            raise self.refuses[egress_id]
        return self.facts.get(egress_id)

    def become(self, egress_id: str, state: EgressState, **other: Any) -> EgressFact:
        """The egress is so from now on; return what a webhook says of it."""
        fact = attrs.evolve(self.facts[egress_id], state=state, **other)
        self.facts[egress_id] = fact
        return fact


class RecordingWorld:
    """The use cases, over what is above."""

    def __init__(self) -> None:
        self.clock, self.ids = FakeClock(), SequentialIds()
        self.store, self.livekit = FakeStore(), FakeEgresses()
        self.storage = MemoryStorage(
            Announcer(ids=self.ids, clock=self.clock, present=event_data, grace=timedelta())
        )
        work: Any = self.storage.unit_of_work
        ledger = SessionStore(work, lambda *_: None)
        self.read = ReadRecordings(work, ReadSessions(ledger), ReadCalls(work, str))
        signer = HmacLinkSigner("secret")
        self.link = MakeLink(read_recordings=self.read, signer=signer, clock=self.clock)
        self.play = PlayRecording(
            read_recordings=self.read,
            unit_of_work=work,
            store=self.store,
            signer=signer,
            clock=self.clock,
        )
        self.settle_egress = SettleEgress(
            unit_of_work=work,
            egresses=self.livekit,
            store=self.store,
            clock=self.clock,
            present=recording_data,
        )
        self.settle = SettleRecordings(
            unit_of_work=work,
            egresses=self.livekit,
            settle_egress=self.settle_egress,
            clock=self.clock,
        )
        self.start = StartRecording(
            read_sessions=ReadSessions(ledger),
            unit_of_work=work,
            egresses=self.livekit,
            settle_egress=self.settle_egress,
            clock=self.clock,
            ids=self.ids,
            is_enabled=True,
        )
        self.stop = StopRecording(
            read_recordings=self.read, unit_of_work=work, egresses=self.livekit
        )
        self.erase = EraseRecordings(
            read_recordings=self.read,
            unit_of_work=work,
            recordings=self.storage.recordings,
            store=self.store,
            egresses=self.livekit,
            clock=self.clock,
        )
        self.sweep = SweepStore(
            unit_of_work=work,
            notes=self.storage.sweep_notes,
            store=self.store,
            clock=self.clock,
            ids=self.ids,
        )

    def replaced(self, use_case: Any, **fields: Any) -> Any:
        """Return a use case with other ports."""
        return attrs.evolve(use_case, **fields)

    async def begun(self, **changes: Any) -> Session:
        """A session that lives."""
        session = new_session(created_at=self.clock.now(), **changes)
        async with self.storage.unit_of_work() as work:
            await work.sessions.add(session)
            await work.commit()
        return session

    async def end(self, session: Session) -> None:
        """The session ended so long ago that its egress should have, too."""
        async with self.storage.unit_of_work() as work:
            await work.sessions.save(session.ended(EndReason.ROOM_FINISHED, self.clock.now()))
            await work.commit()
        self.clock.advance(ENDS_WITHIN)

    async def recorded(
        self, session: Session | None, audio: bytes | None = b"OggS", **changes: Any
    ) -> Recording:
        """A recording of a report; without ``audio`` its object is gone."""
        recording_id, source = self.ids.recording_id(), RecordingSource.REPORT
        reported = Reported(report_id=self.ids.report_id())
        if session is not None:
            reported = attrs.evolve(reported, session_id=session.id, tenant=session.tenant)
        recording = Recording(
            id=recording_id,
            reported=reported,
            source=source,
            key=recording_key(source, recording_id, "audio/ogg"),
            created_at=self.clock.now(),
        )
        recording = attrs.evolve(recording, **changes)
        async with self.storage.unit_of_work() as work:
            await work.recordings.keep(recording)
            await work.commit()
        if audio is not None:
            self.store.objects[recording.key] = audio
        self.clock.advance(timedelta(seconds=1))
        return recording

    async def of(self, session: Session) -> Sequence[Recording]:
        """The session's recordings, as the operator sees them."""
        return await self.read.of_session(str(session.id), SYSTEM)

    async def now(self, recording: Recording) -> Recording | None:
        """The recording as it is stored, whatever became of it."""
        async with self.storage.unit_of_work() as work:
            return await work.recordings.find(recording.id)
