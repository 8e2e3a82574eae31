"""Starting a session while LiveKit fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.rooms.dispatch import DispatchClaim
from domain.rooms.room import Participant, ParticipantKind
from domain.sessions.session_status import SessionStatus
from domain.shared.livekit_errors import (
    LiveKitError,
    LiveKitRefused,
    LiveKitUncertain,
    LiveKitUnreachable,
)
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.world import GRACE, ROOM, World

NOTHING_HAPPENED = [Fault.REFUSED, Fault.UNREACHABLE]
SCRIPTED = [fault for fault in Fault if fault is not Fault.TIMED_OUT_LATE]


async def failing_start(world: World, expected: type[LiveKitError] = LiveKitError) -> None:
    with pytest.raises(expected):
        await world.start()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.REFUSED, LiveKitRefused),
        (Fault.UNREACHABLE, LiveKitUnreachable),
        (Fault.UNCERTAIN_BEFORE, LiveKitUncertain),
        (Fault.TIMED_OUT_BEFORE, LiveKitUncertain),
    ],
)
async def test_given_livekit_down_then_the_error_is_told_and_recorded(
    fault: Fault, expected: type[LiveKitError]
) -> None:
    world = World()
    world.livekit.down = fault
    with pytest.raises(expected):
        await world.start(room_name=None)
    [session] = world.storage.stored.values()
    assert session.status is SessionStatus.DISPATCH_FAILED
    assert not session.agent_dispatched
    assert session.claim.uncertain is (fault not in NOTHING_HAPPENED)


@pytest.mark.parametrize("fault", SCRIPTED)
@pytest.mark.parametrize("question", ["find", "participants", "list"])
async def test_given_no_answer_what_is_in_a_named_room_then_nothing_is_dispatched_into_it(
    question: str, fault: Fault
) -> None:
    world = World()
    world.livekit.opens(ROOM)
    world.livekit.fail(question, fault)
    await failing_start(world)
    assert world.session().status is SessionStatus.DISPATCH_FAILED
    assert world.livekit.count("create") == 0
    await world.start()
    assert world.session().agent_dispatched


@pytest.mark.parametrize("fault", SCRIPTED)
async def test_given_livekit_back_then_the_next_start_leaves_one_agent(fault: Fault) -> None:
    world = World()
    pause = world.livekit.pause("find")
    starting = asyncio.create_task(failing_start(world))
    await pause.reached.wait()
    world.livekit.down = fault  # all that comes after the look fails
    pause.resumed.set()
    await starting
    failed = world.session()
    assert failed.status is SessionStatus.DISPATCH_FAILED
    world.livekit.recover()
    started = await world.start()
    assert started.session.id == failed.id
    assert [d.id for d in world.dispatches()] == [started.session.dispatch_id]


async def test_given_a_generated_room_then_nothing_is_asked_before_the_dispatch() -> None:
    world = World()
    await world.start(room_name=None)
    assert world.livekit.calls == ["create"]


@pytest.mark.parametrize("fault", NOTHING_HAPPENED)
async def test_given_a_refusal_then_it_is_not_tried_again(fault: Fault) -> None:
    world = World()
    world.livekit.fail("create", fault)
    await failing_start(world)
    assert world.livekit.calls == ["find", "create"]


async def test_given_a_5xx_before_applying_then_the_same_request_brings_the_agent() -> None:
    world = World()
    world.livekit.fail("create", Fault.UNCERTAIN_BEFORE)
    started = await world.start()
    assert world.livekit.calls == ["find", "create", "list", "create"]
    assert [d.id for d in world.dispatches()] == [started.session.dispatch_id]


async def test_given_a_5xx_after_applying_then_its_dispatch_is_found_and_kept() -> None:
    world = World()
    world.livekit.fail("create", Fault.UNCERTAIN_AFTER)
    started = await world.start()
    assert world.livekit.count("create") == 1
    assert [d.id for d in world.dispatches()] == [started.session.dispatch_id]
    assert started.session.claim == DispatchClaim()


async def test_given_5xx_twice_then_it_gives_up_uncertain() -> None:
    world = World()
    world.livekit.fail("create", Fault.UNCERTAIN_BEFORE, Fault.UNCERTAIN_BEFORE)
    await failing_start(world, LiveKitUncertain)
    assert world.livekit.count("create") == 2
    assert world.session().claim == DispatchClaim(uncertain=True)


@pytest.mark.parametrize("second", SCRIPTED)
async def test_given_a_5xx_and_then_any_fault_then_the_next_start_leaves_one_agent(
    second: Fault,
) -> None:
    world = World()
    world.livekit.fail("create", Fault.UNCERTAIN_BEFORE, second)
    try:
        await world.start()
    except LiveKitError:
        assert world.session().status is SessionStatus.DISPATCH_FAILED
    started = await world.start()
    assert [d.id for d in world.dispatches()] == [started.session.dispatch_id]


async def test_given_a_time_out_after_applying_then_the_answer_tells_of_the_agent() -> None:
    world = World()
    world.livekit.fail("create", Fault.TIMED_OUT_AFTER)
    started = await world.start()
    assert [d.id for d in world.dispatches()] == [started.session.dispatch_id]


async def test_given_a_time_out_that_hides_the_dispatch_then_the_next_start_finds_it() -> None:
    world = World()
    world.livekit.fail("create", Fault.TIMED_OUT_AFTER)
    world.livekit.fail("list", Fault.UNREACHABLE)
    await failing_start(world, LiveKitUncertain)
    (dispatch,) = world.dispatches()
    started = await world.start()
    assert world.livekit.count("create") == 1
    assert started.session.dispatch_id == dispatch.id
    assert started.session.agent_dispatched


async def test_given_a_time_out_before_applying_then_only_the_next_start_dispatches() -> None:
    world = World()
    world.livekit.fail("create", Fault.TIMED_OUT_BEFORE)
    await failing_start(world, LiveKitUncertain)
    assert world.livekit.count("create") == 1
    assert world.session().claim.uncertain
    await world.start()
    assert len(world.dispatches()) == 1


async def test_given_a_time_out_and_a_dispatch_that_is_made_late_then_there_is_one() -> None:
    """LiveKit is still at the first request when the second one asks and finds nothing."""
    world = World()
    world.livekit.fail("create", Fault.TIMED_OUT_LATE)
    await failing_start(world, LiveKitUncertain)

    async def livekit_catches_up() -> None:
        await world.clock.sleep(timedelta(seconds=2))
        world.livekit.catch_up()

    await world.steps.run([world.start(), livekit_catches_up()], [0] * 20)
    assert len(world.dispatches()) == 1


@pytest.mark.parametrize("question", SCRIPTED)
@pytest.mark.parametrize("outcome", [Fault.UNCERTAIN_AFTER, Fault.TIMED_OUT_AFTER])
async def test_given_a_hidden_dispatch_and_no_answer_about_it_then_there_is_no_second(
    outcome: Fault, question: Fault
) -> None:
    world = World()
    world.livekit.fail("create", outcome)
    world.livekit.fail("list", question)
    try:
        await world.start()
    except LiveKitError:
        assert world.session().claim.uncertain
    assert len(world.dispatches()) == 1


async def test_given_a_hidden_dispatch_and_an_outage_then_it_is_not_forgotten() -> None:
    """The outage is certain; the dispatch before it is not."""
    world = World()
    world.livekit.fail("create", Fault.UNCERTAIN_AFTER, Fault.UNREACHABLE)
    world.livekit.fail("list", Fault.UNREACHABLE)
    await failing_start(world)
    await world.start()
    assert len(world.dispatches()) == 1


@pytest.mark.parametrize("fault", SCRIPTED)
@pytest.mark.parametrize(("person", "answers"), [(True, [None]), (False, [])])
async def test_given_an_uncertain_start_and_no_answer_to_the_next_then_it_stays_uncertain(
    person: bool,  # noqa: FBT001
    answers: list[Fault | None],
    fault: Fault,
) -> None:
    world = World()
    world.livekit.fail("create", Fault.TIMED_OUT_BEFORE)
    await failing_start(world)
    people = world.livekit.opens(ROOM).people
    if person:
        people["user-1"] = Participant("user-1", ParticipantKind.STANDARD)
    world.livekit.fail("list", *answers, fault)
    await failing_start(world)
    assert world.session().claim.uncertain
    assert world.livekit.count("create") == 1


async def test_given_an_uncertain_start_and_no_dispatch_listed_then_it_is_settled_for_good() -> (
    None
):
    world = World()
    world.livekit.fail("create", Fault.TIMED_OUT_BEFORE, Fault.REFUSED)
    await failing_start(world)
    world.livekit.opens(ROOM)
    await failing_start(world, LiveKitRefused)
    session = world.session()
    assert session.claim == DispatchClaim()
    assert session.dispatch_attempts == 2
    assert [entry.what for entry in session.timeline] == ["dispatch_failed"] * 2


@pytest.mark.parametrize("fault", [f for f in SCRIPTED if not f.applied])
@pytest.mark.parametrize("question", ["find", "participants", "list"])
async def test_given_no_answer_where_the_agent_is_then_nothing_is_changed(
    question: str, fault: Fault
) -> None:
    world = World()
    await world.start()
    before = world.session()
    world.livekit.fail(question, fault)
    await failing_start(world)
    assert world.session() == before
    assert world.livekit.count("create") == 1


@pytest.mark.parametrize("fault", SCRIPTED)
async def test_given_the_old_dispatch_cannot_be_deleted_then_no_new_one_is_made(
    fault: Fault,
) -> None:
    world = World()
    await world.start()
    world.clock.advance(GRACE)
    world.livekit.fail("delete_dispatch", fault)
    await failing_start(world)
    assert world.livekit.count("create") == 1
    assert world.session().status is SessionStatus.DISPATCH_FAILED
    started = await world.start()
    assert [d.id for d in world.dispatches()] == [started.session.dispatch_id]
