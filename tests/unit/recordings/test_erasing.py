"""Erasure and sweeps: what is to go goes, what is to stay stays, whatever happens in between."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.recordings.egress import EgressState
from domain.recordings.erase_recordings import UNMATCHED_FOR
from domain.recordings.sweep_notes import SweepPosition
from domain.recordings.sweep_store import CONTESTED, MARKER, ORPHANED_SWEEPS, SWEPT_EVERY
from domain.shared.errors import Forbidden, NotFound
from domain.shared.recording_errors import RecordingStoreUnavailable
from domain.shared.timeline import Source
from tests.unit.recordings.world import RecordingWorld

DAY = timedelta(days=1)
ORPHAN = "reports/00000000-0000-7000-8000-0000000000ff.ogg"


@pytest.fixture
def world() -> RecordingWorld:
    return RecordingWorld()


async def test_an_erasure_that_is_cut_short_is_finished_by_the_next_one(
    world: RecordingWorld,
) -> None:
    session = await world.begun()
    recording = await world.recorded(session)
    world.store.is_down = True

    with pytest.raises(RecordingStoreUnavailable):
        await world.erase.one(str(recording.id), SYSTEM)
    assert list(await world.of(session)) == []  # no request plays it from the first step on
    assert await attrs.evolve(world.erase, store=None).finish() == 0
    world.store.is_down = False
    assert await world.erase.finish() == 1

    assert world.store.objects == {}
    assert await world.now(recording) is None
    assert await world.erase.finish() == 0


async def test_an_object_that_cannot_be_deleted_keeps_no_other(world: RecordingWorld) -> None:
    session = await world.begun()
    stuck, other, last = [await world.recorded(session) for _ in range(3)]
    world.storage.recordings.erase([stuck.id, other.id, last.id])
    world.store.stuck = {stuck.key}

    with pytest.raises(RecordingStoreUnavailable):
        await world.erase.finish()

    assert set(world.store.objects) == {stuck.key}
    world.store.stuck = set()
    assert await world.erase.finish() == 1


async def test_only_an_operator_erases(world: RecordingWorld) -> None:
    recording = await world.recorded(await world.begun(tenant="ann"))

    with pytest.raises(Forbidden):
        await world.erase.one(str(recording.id), Access(tenant="ann", scopes=WORK))
    with pytest.raises(NotFound):
        await world.erase.one("x", SYSTEM)


async def test_what_is_old_or_has_no_session_expires(world: RecordingWorld) -> None:
    session = await world.begun()
    old = await world.recorded(session)
    unmatched = await world.recorded(None)
    orphaned = await world.recorded(await world.begun())
    world.clock.advance(UNMATCHED_FOR)
    kept, waiting = await world.recorded(session), await world.recorded(None)
    gone = orphaned.reported.session_id
    assert gone is not None
    world.storage.sessions.erase([gone.value])

    assert await world.erase.expire(None) == 2
    assert await world.erase.expire(DAY) == 1
    await world.erase.finish()

    assert [await world.now(one) for one in (old, unmatched, orphaned)] == [None] * 3
    assert [await world.now(one) for one in (kept, waiting)] == [kept, waiting]
    assert set(world.store.objects) == {kept.key, waiting.key}


async def test_an_erased_recording_that_is_being_made_is_stopped_first(
    world: RecordingWorld,
) -> None:
    session = await world.begun()
    started = await world.start(str(session.id), SYSTEM)
    world.storage.recordings.erase([started.id])

    await world.erase.finish()
    assert world.livekit.stopped == ["EG_1"]
    world.store.objects[started.key] = b"OggS"
    complete = world.livekit.become("EG_1", EgressState.COMPLETE)
    await world.settle_egress(complete, Source.WEBHOOK)
    await world.erase.finish()

    assert world.store.objects == {}
    assert await world.now(started) is None


async def swept(world: RecordingWorld, times: int) -> int:
    """So many sweeps, an hour apart; how many objects they have deleted."""
    deleted = 0
    for _ in range(times):
        deleted += (await world.sweep()).deleted
        world.clock.advance(SWEPT_EVERY)
    return deleted


async def test_an_orphan_is_deleted_after_a_day(world: RecordingWorld) -> None:
    recording = await world.recorded(await world.begun())
    world.store.objects |= {ORPHAN: b"x", f"{ORPHAN}.{32 * 'a'}.part": b"y"}
    world.store.part = 1

    assert await swept(world, ORPHANED_SWEEPS) == 0
    assert await swept(world, 1) == 2

    assert set(world.store.objects) == {recording.key, MARKER}
    assert (await world.sweep()).orphans == 0


async def test_what_others_keep_in_the_store_is_left_alone(world: RecordingWorld) -> None:
    others = [
        "invoices/2026.pdf",
        "egress/other-team.ogg",
        "reports/a file.txt",
        "r\u00e9ports/x.ogg",
        f"old/{ORPHAN}",
        f"{ORPHAN}.bak",
        "check",
        "check-list",
        "ledger.json.part",
        "ledger.json.bak",
    ]
    world.store.objects |= dict.fromkeys([*others, ORPHAN], b"x")

    assert await swept(world, ORPHANED_SWEEPS + 1) == 1

    assert set(world.store.objects) == {*others, MARKER}


async def test_a_clock_that_jumps_deletes_nothing(world: RecordingWorld) -> None:
    world.store.objects[ORPHAN] = b"x"
    await swept(world, 2)
    world.clock.step(30 * DAY)

    assert await swept(world, ORPHANED_SWEEPS - 3) == 0
    assert await swept(world, 2) == 1


async def test_an_object_that_gets_its_recording_is_no_orphan(world: RecordingWorld) -> None:
    session = await world.begun()
    recording = await world.recorded(session, None, key=ORPHAN)
    world.store.objects[ORPHAN] = b"x"
    world.storage.recordings.by_id.clear()
    await swept(world, ORPHANED_SWEEPS)
    world.storage.recordings.by_id[recording.id] = recording
    await swept(world, 1)
    world.storage.recordings.by_id.clear()

    assert await swept(world, ORPHANED_SWEEPS) == 0
    assert ORPHAN in world.store.objects


async def test_deployments_that_share_a_store_delete_nothing_of_each_other() -> None:
    """Each takes the other's recordings for orphans."""
    first, second = RecordingWorld(), RecordingWorld()
    second.ids, second.store = first.ids, first.store
    second.sweep = attrs.evolve(second.sweep, ids=first.ids, store=first.store)
    recordings = [await world.recorded(await world.begun()) for world in (first, second)]

    for _ in range(2 * ORPHANED_SWEEPS):
        for world in (first, second):
            await swept(world, 1)

    assert {recording.key for recording in recordings} <= set(first.store.objects)
    assert "Another ledger" in ((await first.sweep()).held or "")
    await first.sweep.confirm()
    assert (await first.sweep()).held is None


async def test_a_restored_ledger_deletes_nothing_until_it_is_confirmed(
    world: RecordingWorld,
) -> None:
    await swept(world, 5)
    backup = await world.storage.sweep_notes.position()
    assert backup is not None
    await swept(world, 5)
    world.store.objects[ORPHAN] = b"recorded after the backup"
    await world.storage.sweep_notes.begin(backup)

    assert await swept(world, 3 * ORPHANED_SWEEPS) == 0
    result = await world.sweep()
    assert result.held is not None
    assert "backend recordings confirm" in result.held

    await world.sweep.confirm()
    assert await swept(world, ORPHANED_SWEEPS) == 0
    assert await swept(world, 1) == 1


@pytest.mark.parametrize("marker", [b"", b"{}", b"[]", b"\xff", b'{"ledger":"x","sweep":1}'])
async def test_a_store_of_another_ledger_is_left_alone(
    world: RecordingWorld, marker: bytes
) -> None:
    await world.sweep()
    world.store.objects[MARKER] = marker

    assert (await world.sweep()).held is not None
    assert world.store.objects.pop(CONTESTED)
    assert world.store.objects == {MARKER: marker}


async def test_a_sweep_that_is_cut_short_goes_on(world: RecordingWorld) -> None:
    position = SweepPosition("00000000-0000-7000-8000-000000000000", 7)
    await world.storage.sweep_notes.begin(position)  # the ledger's number was stored, no marker

    assert (await world.sweep()).held is None
    await world.storage.sweep_notes.begin(attrs.evolve(position, number=9))

    assert (await world.sweep()).held is None
