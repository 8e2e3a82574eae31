"""What runs in the background, and what a webhook sets off."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

import attrs
import pytest
from structlog.testing import capture_logs

from application.workers.job_group import JobGroup
from application.workers.recording_jobs import SettleJob, SweepJob
from domain.access.access import SYSTEM, WORK, Access
from domain.recordings.egress import EgressFact, EgressState
from domain.recordings.handle_egress_event import HandleEgressEvent
from domain.recordings.recording import RecordingStatus
from domain.recordings.sweep_notes import SweepPosition
from domain.recordings.sweep_store import MARKER, ORPHANED_SWEEPS, SWEPT_EVERY
from domain.shared.errors import NotFound
from domain.shared.livekit_errors import LiveKitUnreachable
from tests.contract.storage.ledgers import new_call
from tests.unit.recordings.world import RecordingWorld

DAY = timedelta(days=1)
BEN = Access(tenant="ben", scopes=WORK, sees_unowned=False)


@pytest.fixture
def world() -> RecordingWorld:
    return RecordingWorld()


@attrs.frozen
class Reader:
    """Implements :class:`domain.recordings.egress.EgressReader`."""

    fact: EgressFact | None

    def read(self, body: bytes) -> EgressFact | None:
        assert body == b"body"
        return self.fact


async def test_a_webhook_changes_the_recording(world: RecordingWorld) -> None:
    session = await world.begun()
    await world.start(str(session.id), SYSTEM)
    active = world.livekit.become("EG_1", EgressState.ACTIVE)

    await HandleEgressEvent(Reader(None), world.settle_egress)(b"body")
    assert (await world.of(session))[0].status is RecordingStatus.STARTING
    await HandleEgressEvent(Reader(active), world.settle_egress)(b"body")
    assert (await world.of(session))[0].status is RecordingStatus.ACTIVE


async def events(job: Any) -> list[str]:
    """What a run logs."""
    logs: list[MutableMapping[str, Any]]
    with capture_logs() as logs:
        await job()
    return [entry["event"] for entry in logs]


async def test_erasures_are_finished_also_while_livekit_is_down(world: RecordingWorld) -> None:
    session = await world.begun()
    await world.start(str(session.id), SYSTEM)
    erased = await world.recorded(session)
    world.storage.recordings.erase([erased.id])
    world.livekit.refuses = {"EG_1": LiveKitUnreachable("LiveKit is down.")}
    job = SettleJob(world.settle, world.erase)

    with pytest.raises(LiveKitUnreachable):
        await job()
    assert await world.now(erased) is None
    world.livekit.refuses = {}
    assert await events(job) == []


async def test_sweeps_say_what_they_have_deleted(world: RecordingWorld) -> None:
    await world.recorded(await world.begun())
    job = SweepJob(world.sweep, world.erase, DAY)
    assert await events(job) == []
    world.store.objects["reports/00000000-0000-7000-8000-0000000000ff.ogg"] = b"x"
    for _ in range(ORPHANED_SWEEPS):
        await job()
        world.clock.advance(SWEPT_EVERY)

    assert await events(job) == ["recordings expired", "orphans deleted"]
    assert set(world.store.objects) == {MARKER}
    await world.storage.sweep_notes.begin(SweepPosition("another", 1))
    assert await events(job) == ["the store is not swept"]


async def test_a_group_of_jobs_runs_until_it_is_cancelled() -> None:
    begun: list[int] = []

    @attrs.frozen
    class Job:
        number: int

        async def run(self) -> None:
            begun.append(self.number)
            await asyncio.Event().wait()

    running = asyncio.create_task(JobGroup([Job(1), Job(2)]).run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert begun == [1, 2]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await JobGroup([]).run()


async def test_a_call_has_its_own_recordings_and_its_session_s(world: RecordingWorld) -> None:
    session = await world.begun(tenant="ann")
    call, other = (attrs.evolve(new_call(), session_id=session.id, tenant="ann") for _ in range(2))
    async with world.storage.unit_of_work() as work:
        for one in (call, other):
            await work.calls.add(one)
        await work.commit()
    recorded = await world.recorded(session)
    reported = attrs.evolve(recorded.reported, call_id=call.id, report_id=world.ids.report_id())
    own = await world.recorded(session, reported=reported)

    assert list(await world.read.of_call(str(call.id), SYSTEM)) == [own, recorded]
    assert list(await world.read.of_call(str(other.id), SYSTEM)) == [recorded]
    assert (await world.play.of_call(str(call.id), SYSTEM)).recording == own
    assert list(await world.read.page(None, 1, SYSTEM)) == [own]
    with pytest.raises(NotFound):
        await world.read.of_call(str(call.id), BEN)
