"""The port of the ledger's recordings, on every storage."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from domain.recordings.recording import Recording, RecordingSource, RecordingStatus
from domain.recordings.sweep_notes import OrphanNote, SweepPosition
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.errors import Conflict
from domain.shared.identifiers import CallId, Identity, RecordingId, ReportId
from domain.shared.pagination import Cursor
from domain.shared.reported import Reported
from tests.contract.storage.ledgers import NOON, access_of, new_id, new_session

Ledger = MemoryStorage | SqlStorage

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def reported(session: Session | None = None, **changes: object) -> Reported:
    """A report of this session, or of none that is known."""
    one = Reported(report_id=ReportId(str(new_id())))
    if session is not None:
        one = attrs.evolve(one, session_id=session.id, tenant=session.tenant)
    return attrs.evolve(one, **changes)  # type: ignore[arg-type]


def new_recording(session: Session | None = None, **changes: object) -> Recording:
    """A recording that is not stored."""
    recording = Recording(
        id=RecordingId(str(new_id())),
        reported=reported(session),
        source=RecordingSource.REPORT,
        key=f"reports/{uuid.uuid4()}.ogg",
        size=5_000_000_000,
        started_at=NOON,
        duration=timedelta(seconds=61, milliseconds=7),
        created_at=NOON + MINUTE,
    )
    return attrs.evolve(recording, **changes)  # type: ignore[arg-type]


def running(session: Session, **changes: object) -> Recording:
    """One that an egress makes."""
    status = RecordingStatus.STARTING
    return new_recording(session, source=RecordingSource.EGRESS, status=status, **changes)


async def keep(ledger: Ledger, *stored: Recording | Session) -> None:
    async with ledger.unit_of_work() as work:
        for one in stored:
            if isinstance(one, Session):
                await work.sessions.add(one)
            else:
                await work.recordings.keep(one)
        await work.commit()


async def found(ledger: Ledger, recording: Recording) -> Recording | None:
    async with ledger.unit_of_work() as work:
        return await work.recordings.find(recording.id)


async def test_a_recording_is_read_as_it_was_stored(ledger: Ledger) -> None:
    session = new_session()
    least = Recording(
        id=RecordingId(str(new_id())),
        reported=reported(),
        source=RecordingSource.REPORT,
        key="reports/least.ogg",
        created_at=NOON,
    )
    full = running(
        session, egress_id="EG_1", error="no", claim_until=NOON, attempts=2, absent_since=NOON,
        missing_at=NOON, erased_at=NOON,
    )  # fmt: skip
    await keep(ledger, least, full)

    assert await found(ledger, least) == least
    assert await found(ledger, full) == full
    assert await found(ledger, new_recording()) is None
    for taken in (attrs.evolve(least, key="reports/x"), new_recording(key=least.key)):
        with pytest.raises(Conflict):
            await keep(ledger, taken)


async def test_a_change_is_stored_once(ledger: Ledger) -> None:
    recording = new_recording(new_session())
    await keep(ledger, recording)

    async def change(at: int) -> None:
        async with ledger.unit_of_work() as work:
            stored = await work.recordings.save(recording.missing(NOON + at * MINUTE))
            assert await work.recordings.find(recording.id) == stored
            await work.commit()

    done = await asyncio.gather(*map(change, range(3)), return_exceptions=True)

    assert [type(each) for each in done if each is not None] == [Conflict] * 2
    stored = await found(ledger, recording)
    assert stored is not None
    assert stored.missing_at is not None
    assert stored.version == 1


async def test_of_a_session_the_newest_comes_first_and_only_what_may_be_shown(
    ledger: Ledger,
) -> None:
    session, call_id = new_session(tenant="ann"), CallId(str(new_id()))
    with_call = reported(session, call_id=call_id)
    old, new = (new_recording(session, created_at=NOON + day * DAY) for day in (1, 3))
    of_call = new_recording(reported=with_call, created_at=NOON + 2 * DAY)
    erased = new_recording(session, erased_at=NOON)
    unmatched, other = new_recording(), new_recording(new_session(tenant="ben"))
    await keep(ledger, old, new, of_call, erased, unmatched, other)

    async with ledger.unit_of_work() as work:
        recordings = work.recordings
        assert list(await recordings.of_session(session.id, SYSTEM)) == [new, of_call, old]
        assert list(await recordings.of_call(call_id, access_of("ann"))) == [of_call]
        assert list(await recordings.of_session(session.id, access_of("ben"))) == []
        assert await recordings.get(old.id, access_of("ann")) == old
        for hidden in (erased, unmatched):
            assert await recordings.get(hidden.id, SYSTEM) is None
        assert await recordings.get(old.id, access_of("ben")) is None
        assert await recordings.page(None, 2, access_of("ann")) == [new, of_call]
        assert await recordings.page(Cursor(*of_call.age), 9, access_of("ann")) == [old]
        assert await recordings.known_keys([old.key, "x"]) == {old.key}
        assert await recordings.known_keys([]) == set()


async def test_a_report_that_is_matched_is_shown(ledger: Ledger) -> None:
    session = new_session(tenant="ann")
    recording, other = new_recording(), new_recording()
    await keep(ledger, recording, other)
    owner = attrs.evolve(recording.reported, session_id=session.id, tenant="ann")

    for _ in range(2):  # a repetition changes nothing
        async with ledger.unit_of_work() as work:
            [matched] = await work.recordings.match(owner)
            await work.commit()
        assert matched.reported == owner
        assert matched.version == 1

    async with ledger.unit_of_work() as work:
        assert await work.recordings.of_session(session.id, access_of("ann")) == [matched]
        assert list(await work.recordings.of_report(owner.report_id)) == [matched]


async def test_one_egress_records_a_session_at_a_time(ledger: Ledger) -> None:
    session = new_session()
    attempts = [running(session) for _ in range(4)]

    done = await asyncio.gather(*(keep(ledger, one) for one in attempts), return_exceptions=True)

    assert [type(each) for each in done if each is not None] == [Conflict] * 3
    async with ledger.unit_of_work() as work:
        [stored] = await work.recordings.unsettled(9)
        await work.recordings.save(stored.failed("no"))
        await work.commit()
    await keep(ledger, running(session), running(new_session()))
    async with ledger.unit_of_work() as work:
        assert len(await work.recordings.unsettled(9)) == 2
        assert len(await work.recordings.unsettled(1)) == 1


async def test_what_is_old_is_marked_and_then_removed(ledger: Ledger) -> None:
    session = new_session()
    old = new_recording(session, created_at=NOON)
    young = new_recording(session, created_at=NOON + 2 * DAY)
    busy = running(session, created_at=NOON)
    await keep(ledger, session, old, young, busy)

    assert await ledger.recordings.mark_old(NOON + DAY, NOON + 3 * DAY) == 1
    assert await ledger.recordings.mark_old(NOON + DAY, NOON + 3 * DAY) == 0

    [marked] = await ledger.recordings.marked(9)
    assert (marked.id, marked.erased_at) == (old.id, NOON + 3 * DAY)
    async with ledger.unit_of_work() as work:
        await work.recordings.save(old.found())  # a change that was under way does not undo it
        with pytest.raises(Conflict):
            await work.commit()
    for one in (old, young):
        await ledger.recordings.remove(one.id)
    assert await found(ledger, old) is None
    assert await found(ledger, young) == young


async def test_what_has_no_session_any_more_is_marked(ledger: Ledger) -> None:
    session = new_session()
    kept, orphaned = new_recording(session), new_recording(new_session())
    waiting, forgotten = new_recording(created_at=NOON + DAY), new_recording(created_at=NOON)
    await keep(ledger, session, kept, orphaned, waiting, forgotten)

    assert await ledger.recordings.mark_ownerless(NOON + MINUTE, NOON + DAY) == 2

    assert {one.id for one in await ledger.recordings.marked(9)} == {orphaned.id, forgotten.id}


async def test_an_erasure_marks_the_recordings_of_the_person_s_sessions(ledger: Ledger) -> None:
    def ended(identity: str) -> Session:
        return new_session(identity=Identity(identity)).ended(EndReason.ROOM_FINISHED, NOON)

    theirs, others = ended("ann-identity"), ended("ben-identity")
    recordings = [new_recording(theirs), new_recording(others)]
    await keep(ledger, theirs, others, *recordings)
    person = DataSubject.with_identity("ann-identity")

    expected = PersonalDataCounts(sessions=1, recordings=1)
    for counted in (ledger.personal_data.mentions, ledger.personal_data.forget):
        assert attrs.evolve(await counted(person), domain_events=0) == expected

    [marked] = await ledger.recordings.marked(9)
    assert marked.id == recordings[0].id
    assert await found(ledger, recordings[1]) == recordings[1]
    assert await ledger.personal_data.mentions(person) == PersonalDataCounts()


async def test_sweeps_note_what_they_see(ledger: Ledger) -> None:
    notes = ledger.sweep_notes
    assert await notes.position() is None
    for number in (1, 2):
        position = SweepPosition("01890a5d-ac96-774b-bcce-b302099a8057", number)
        await notes.begin(position)
        assert await notes.position() == position

    first = OrphanNote(NOON, 1)
    assert await notes.note(["a", "b"], 1, NOON) == {"a": first, "b": first}
    second = OrphanNote(NOON + DAY, 2)
    assert await notes.note(["a", "c"], 2, NOON + DAY) == {"a": first, "c": second}
    await notes.forget_unseen(2)
    await notes.forget(["c"])
    await notes.forget([])
    assert await notes.note([], 3, NOON) == {}
    third = OrphanNote(NOON + 2 * DAY, 3)
    assert await notes.note(["a", "b", "c"], 3, NOON + 2 * DAY) == {
        "a": first, "b": third, "c": third,
    }  # fmt: skip
