"""Exactly one egress records a session, whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import attrs
import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.agents.agent_config import AgentConfig
from domain.recordings.egress import EgressState
from domain.recordings.recording import RecordingSource, RecordingStatus
from domain.recordings.settle_recordings import ABSENT_FOR
from domain.recordings.start_recording import LEASE
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.errors import NotFound
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import (
    LiveKitError,
    LiveKitRefused,
    LiveKitUncertain,
    LiveKitUnreachable,
    LiveKitWithoutEgress,
)
from domain.shared.recording_errors import RecordingRefused, RecordingsDisabled, RecordingStarting
from domain.shared.timeline import Source
from tests.unit.recordings.world import RecordingWorld

BEN = Access(tenant="ben", scopes=WORK, sees_unowned=False)
UNCERTAIN = LiveKitUncertain("LiveKit did not answer in time.", timed_out=True)


@pytest.fixture
def world() -> RecordingWorld:
    return RecordingWorld()


async def test_a_session_is_recorded_from_start_to_stop(world: RecordingWorld) -> None:
    session = await world.begun(tenant="ann")

    started = await world.start(str(session.id), SYSTEM)
    assert (started.status, started.egress_id) == (RecordingStatus.STARTING, "EG_1")
    assert started.tenant == "ann"
    await world.settle_egress(world.livekit.become("EG_1", EgressState.ACTIVE), Source.WEBHOOK)
    stopped = await world.stop(str(session.id), SYSTEM)
    assert stopped.status is RecordingStatus.ENDING
    world.store.objects[started.key] = b"OggS"
    complete = world.livekit.become("EG_1", EgressState.COMPLETE, size=4)
    await world.settle_egress(complete, Source.WEBHOOK)

    [recording] = await world.of(session)
    assert recording.is_playable
    assert recording.size == 4
    assert await world.stop(str(session.id), SYSTEM) == recording
    assert world.livekit.stopped == ["EG_1"]
    [ready] = [event for event in world.storage.outbox.stored if event.kind == "recording.ready"]
    assert (ready.tenant, ready.session_id) == ("ann", session.id)
    assert json.loads(ready.data)["recordingId"] == str(recording.id)


async def test_many_requests_start_one_egress(world: RecordingWorld) -> None:
    session = await world.begun()

    done = await asyncio.gather(
        *(world.start(str(session.id), SYSTEM) for _ in range(8)), return_exceptions=True
    )

    assert len(world.livekit.facts) == 1
    assert {type(each).__name__ for each in done} <= {"Recording", "RecordingStarting"}
    again = await world.start(str(session.id), SYSTEM)
    assert [again] == list(await world.of(session))


@pytest.mark.parametrize("takes", [True, False], ids=["took effect", "did not"])
async def test_after_an_ambiguous_failure_livekit_is_asked_first(
    world: RecordingWorld, takes: object
) -> None:
    session = await world.begun()
    world.livekit.raises, world.livekit.takes = UNCERTAIN, bool(takes)

    with pytest.raises(LiveKitUncertain):
        await world.start(str(session.id), SYSTEM)
    recording = await world.start(str(session.id), SYSTEM)

    assert world.livekit.asked == 1
    assert [*world.livekit.facts] == [recording.egress_id]
    assert recording.attempts == (1 if takes else 2)


async def test_a_request_that_was_killed_is_taken_over_once_its_lease_is_over(
    world: RecordingWorld,
) -> None:
    session = await world.begun()
    world.livekit.raises = RuntimeError("killed")
    with pytest.raises(RuntimeError):
        await world.start(str(session.id), SYSTEM)

    with pytest.raises(RecordingStarting):
        await world.start(str(session.id), SYSTEM)
    with pytest.raises(RecordingStarting):
        await world.stop(str(session.id), SYSTEM)
    world.clock.advance(LEASE)
    recording = await world.start(str(session.id), SYSTEM)

    assert [*world.livekit.facts] == [recording.egress_id]


async def test_without_an_egress_service_the_recording_has_failed(world: RecordingWorld) -> None:
    session = await world.begun()
    world.livekit.raises, world.livekit.takes = LiveKitWithoutEgress("There is none."), False

    with pytest.raises(LiveKitError):
        await world.start(str(session.id), SYSTEM)

    [failed] = await world.of(session)
    assert (failed.status, failed.error) == (RecordingStatus.FAILED, "There is none.")
    assert (await world.start(str(session.id), SYSTEM)).id != failed.id


async def test_what_may_not_be_recorded_is_refused(world: RecordingWorld) -> None:
    forbidden = await world.begun(agent_config=AgentConfig.parse({"record": False}))
    ended = (await world.begun()).ended(EndReason.ENDED_BY_CALLER, world.clock.now())
    async with world.storage.unit_of_work() as work:
        await work.sessions.save(ended)
        await work.commit()
    anns = await world.begun(tenant="ann")

    for session in (forbidden, ended):
        with pytest.raises(RecordingRefused):
            await world.start(str(session.id), SYSTEM)
    for doing in (world.start, world.stop):
        with pytest.raises(NotFound):
            await doing(str(anns.id), BEN)
        with pytest.raises(NotFound):
            await doing("nothing", SYSTEM)
    with pytest.raises(NotFound):
        await world.stop(str(anns.id), SYSTEM)
    with pytest.raises(RecordingsDisabled):
        await attrs.evolve(world.start, is_enabled=False)(str(anns.id), SYSTEM)
    assert world.livekit.facts == {}


async def test_the_reconciler_finds_what_webhooks_have_lost(world: RecordingWorld) -> None:
    session = await world.begun()
    started = await world.start(str(session.id), SYSTEM)
    world.store.objects[started.key] = b"OggS"
    world.livekit.become("EG_1", EgressState.COMPLETE)

    assert await world.settle() == 1

    [recording] = await world.of(session)
    assert (recording.status, recording.size) == (RecordingStatus.AVAILABLE, 4)
    assert await world.settle() == 0  # nothing runs: LiveKit is asked nothing


async def test_an_egress_whose_start_was_not_recorded_is_found_in_its_room(
    world: RecordingWorld,
) -> None:
    session = await world.begun()
    world.livekit.raises = UNCERTAIN
    with pytest.raises(LiveKitUncertain):
        await world.start(str(session.id), SYSTEM)

    await world.settle()

    [recording] = await world.of(session)
    assert recording.egress_id == "EG_1"


async def assert_concluded_after_a_while(
    world: RecordingWorld, session: Session, *, stored: object
) -> None:
    """The recording ends by what the store has, once its egress was absent for so long."""
    await world.settle()
    world.clock.advance(ABSENT_FOR - timedelta(seconds=1))
    await world.settle()
    assert (await world.of(session))[0].is_running
    world.clock.advance(timedelta(seconds=1))
    await world.settle()

    [recording] = await world.of(session)
    expected = RecordingStatus.AVAILABLE if stored else RecordingStatus.FAILED
    assert recording.status is expected


@pytest.mark.parametrize("stored", [True, False], ids=["audio", "no audio"])
async def test_an_egress_that_livekit_has_forgotten_is_concluded_after_a_while(
    world: RecordingWorld, stored: object
) -> None:
    session = await world.begun()
    started = await world.start(str(session.id), SYSTEM)
    known = world.livekit.facts.pop("EG_1")
    if stored:
        world.store.objects[started.key] = b"OggS"

    await assert_concluded_after_a_while(world, session, stored=stored)
    world.store.objects[started.key] = b"OggS"
    complete = attrs.evolve(known, state=EgressState.COMPLETE, size=4)
    await world.settle_egress(complete, Source.WEBHOOK)
    assert (await world.of(session))[0].is_playable


async def test_an_egress_that_turns_up_after_its_end_was_concluded_goes_on(
    world: RecordingWorld,
) -> None:
    session = await world.begun()
    started = await world.start(str(session.id), SYSTEM)
    listed = world.livekit.facts.pop("EG_1")
    await world.settle()
    world.clock.advance(ABSENT_FOR)
    await world.settle()
    assert (await world.of(session))[0].status is RecordingStatus.FAILED
    world.livekit.facts["EG_1"] = listed

    await world.settle_egress(world.livekit.become("EG_1", EgressState.ACTIVE))

    assert world.livekit.stopped == []
    world.store.objects[started.key] = b"OggS"
    await world.settle_egress(world.livekit.become("EG_1", EgressState.COMPLETE))
    assert (await world.of(session))[0].is_playable


@pytest.mark.parametrize("stored", [True, False], ids=["audio", "no audio"])
@pytest.mark.parametrize("state", [EgressState.ACTIVE, EgressState.ENDING])
async def test_an_egress_whose_service_was_killed_is_concluded_once_its_session_has_ended(
    world: RecordingWorld, state: EgressState, stored: object
) -> None:
    """LiveKit lists it as running for ever (livekit-server 1.13.5 with egress 1.14.1)."""
    session = await world.begun()
    started = await world.start(str(session.id), SYSTEM)
    world.livekit.become("EG_1", state)
    world.livekit.killed = {"EG_1"}
    if state is EgressState.ACTIVE:
        await world.settle()
        assert world.livekit.stopped == []  # the session goes on: it may be recording
    await world.end(session)
    if stored:
        world.store.objects[started.key] = b"OggS"

    await assert_concluded_after_a_while(world, session, stored=stored)
    assert await world.settle() == 0


async def test_a_stop_that_no_egress_service_answers_is_remembered(world: RecordingWorld) -> None:
    session = await world.begun()
    await world.start(str(session.id), SYSTEM)
    world.livekit.become("EG_1", EgressState.ACTIVE)
    world.livekit.killed = {"EG_1"}

    with pytest.raises(LiveKitUncertain):
        await world.stop(str(session.id), SYSTEM)

    assert (await world.of(session))[0].status is RecordingStatus.ENDING
    await world.settle()
    world.clock.advance(ABSENT_FOR)
    await world.settle()
    assert (await world.of(session))[0].status is RecordingStatus.FAILED
    assert (await world.start(str(session.id), SYSTEM)).egress_id == "EG_2"


async def test_an_egress_that_takes_long_to_end_is_waited_for(world: RecordingWorld) -> None:
    """It uploads, and answers meanwhile."""
    session = await world.begun()
    await world.start(str(session.id), SYSTEM)
    world.livekit.become("EG_1", EgressState.ACTIVE)
    await world.end(session)

    for _ in range(3):
        await world.settle()
        world.clock.advance(ABSENT_FOR)

    [recording] = await world.of(session)
    assert (recording.status, recording.absent_since) == (RecordingStatus.ENDING, None)


@pytest.mark.parametrize(
    "error", [LiveKitUnreachable("LiveKit is down."), LiveKitUncertain("The connection broke.")]
)
async def test_an_outage_says_nothing_of_an_egress(
    world: RecordingWorld, error: LiveKitError
) -> None:
    session = await world.begun()
    await world.start(str(session.id), SYSTEM)
    await world.end(session)
    world.livekit.unstoppable = error

    with pytest.raises(type(error)):
        await world.settle()

    assert (await world.of(session))[0].absent_since is None


async def test_an_egress_of_a_session_that_the_ledger_no_longer_has_is_stopped(
    world: RecordingWorld,
) -> None:
    recording = await world.recorded(
        None, None, status=RecordingStatus.ACTIVE, egress_id="EG_1", source=RecordingSource.EGRESS
    )
    await world.livekit.start(RoomName("support"), recording.key)

    await world.settle()

    assert world.livekit.stopped == ["EG_1"]


async def test_a_session_whose_erased_recording_is_ending_says_so(world: RecordingWorld) -> None:
    session = await world.begun()
    started = await world.start(str(session.id), SYSTEM)
    world.storage.recordings.erase([started.id])

    with pytest.raises(RecordingStarting, match="erased recording"):
        await world.start(str(session.id), SYSTEM)

    await world.settle_egress(world.livekit.become("EG_1", EgressState.FAILED))
    assert (await world.start(str(session.id), SYSTEM)).egress_id == "EG_2"


async def test_an_absence_that_was_none_concludes_nothing(world: RecordingWorld) -> None:
    session = await world.begun()
    await world.start(str(session.id), SYSTEM)
    known = world.livekit.facts.pop("EG_1")
    await world.settle()
    world.livekit.facts["EG_1"] = attrs.evolve(known, state=EgressState.ACTIVE)
    world.clock.advance(ABSENT_FOR)
    await world.settle()

    assert (await world.of(session))[0].absent_since is None


async def test_one_refusal_holds_up_no_other_recording(world: RecordingWorld) -> None:
    sessions = [await world.begun() for _ in range(2)]
    for session in sessions:
        await world.start(str(session.id), SYSTEM)
    world.livekit.become("EG_2", EgressState.ACTIVE)
    world.livekit.refuses = {"EG_1": LiveKitRefused("LiveKit refused it.")}

    with pytest.raises(LiveKitRefused):
        await world.settle()
    assert (await world.of(sessions[1]))[0].status is RecordingStatus.ACTIVE
    world.livekit.refuses = {"EG_1": LiveKitWithoutEgress("There is none any more.")}
    await world.settle()
    world.clock.advance(ABSENT_FOR)
    await world.settle()
    assert (await world.of(sessions[0]))[0].status is RecordingStatus.FAILED
    world.livekit.refuses = {"EG_2": LiveKitUnreachable("LiveKit is down.")}
    with pytest.raises(LiveKitUnreachable):
        await world.settle()


async def test_an_egress_beside_the_recording_s_own_is_stopped(world: RecordingWorld) -> None:
    """One that was started by a request whose answer was lost, and that LiveKit lists late."""
    session = await world.begun()
    started = await world.start(str(session.id), SYSTEM)
    late = attrs.evolve(world.livekit.facts["EG_1"], egress_id="EG_9", state=EgressState.ACTIVE)

    assert await world.settle_egress(late, Source.WEBHOOK) == started

    assert world.livekit.stopped == ["EG_9"]


async def test_other_programs_egresses_are_left_alone(world: RecordingWorld) -> None:
    session = await world.begun()
    await world.start(str(session.id), SYSTEM)
    own = world.livekit.facts["EG_1"]
    for text in (None, "x", "00000000-0000-7000-d500-999999999999"):
        other = attrs.evolve(own, egress_id="EG_9", recording_id=text)
        assert await world.settle_egress(other, Source.WEBHOOK) is None
    assert world.livekit.stopped == []


async def test_a_completed_egress_without_an_object_is_missing(world: RecordingWorld) -> None:
    """The folder is not shared with the egress service."""
    session = await world.begun()
    await world.start(str(session.id), SYSTEM)

    await world.settle_egress(world.livekit.become("EG_1", EgressState.COMPLETE), Source.WEBHOOK)

    [recording] = await world.of(session)
    assert recording.missing_at == world.clock.now()
