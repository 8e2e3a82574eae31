"""Starting a session in a room where one is: joining it, or putting it right."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from domain.access.access import SYSTEM
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.livekit_errors import LiveKitUncertain
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.world import GRACE, LEASE, MOMENT, ROOM, World


async def running(world: World) -> str:
    """A session whose agent is in the room and has been seen there; its id."""
    started = await world.start()
    world.livekit.agents_join(ROOM)
    await world.start()
    assert world.session().status is SessionStatus.ACTIVE
    return str(started.session.id)


async def test_given_the_agent_there_then_a_second_user_joins_the_same_session() -> None:
    world = World()
    first = await world.start("user-1", agent_config={"stt": "first"})
    world.livekit.agents_join(ROOM)
    second = await world.start("user-2", agent_config={"stt": "second"})
    assert second.session.id == first.session.id
    assert second.token == f"user-2 may join {ROOM} for 600 s"
    assert str(second.session.identity) == "user-1"
    assert second.session.agent_config.values["stt"] == "first"
    assert second.session.agent_dispatched
    assert world.livekit.count("create") == 1


async def test_given_the_agent_seen_then_the_ledger_says_so_once() -> None:
    world = World()
    await running(world)
    session = world.session()
    assert session.room_sid == world.livekit.open[ROOM].sid
    assert session.active_at == world.clock.now()
    await world.start("user-2")
    assert world.session() == session


async def test_given_a_worker_that_does_not_say_its_name_then_it_is_known_by_its_job() -> None:
    world = World()
    world.livekit.agents_say_their_name = False
    await running(world)
    await world.start("user-2")
    assert world.livekit.count("create") == 1


async def test_given_the_agent_on_its_way_then_there_is_no_second() -> None:
    world = World()
    first = await world.start()
    world.clock.advance(GRACE - MOMENT)
    second = await world.start("user-2")
    assert second.session == first.session
    assert world.livekit.count("create") == 1


async def test_given_a_job_nobody_took_within_the_grace_then_it_is_dispatched_again() -> None:
    world = World()
    first = await world.start()
    world.clock.advance(GRACE)
    second = await world.start("user-2")
    assert second.session.id == first.session.id
    (dispatch,) = world.dispatches()
    assert dispatch.id == second.session.dispatch_id != first.session.dispatch_id
    assert second.session.dispatched_at == world.clock.now()


async def test_given_the_agent_gone_then_its_dispatch_is_deleted_before_the_next_is_made() -> None:
    world = World()
    session_id = await running(world)
    world.livekit.agents_leave(ROOM)
    world.livekit.calls.clear()
    again = await world.start("user-2")
    assert str(again.session.id) == session_id
    assert again.session.status is SessionStatus.AGENT_DISPATCHED
    changes = [c for c in world.livekit.calls if c in ("delete_dispatch", "create")]
    assert changes == ["delete_dispatch", "create"]
    (dispatch,) = world.dispatches()
    assert dispatch.id == again.session.dispatch_id


async def test_given_the_agent_gone_then_the_new_one_is_found_by_those_who_join() -> None:
    world = World()
    await running(world)
    world.livekit.agents_leave(ROOM)
    await world.start("user-2")
    await world.start("user-3")
    world.livekit.agents_join(ROOM)
    await world.start("user-4")
    assert world.livekit.count("create") == 2
    assert world.session().status is SessionStatus.ACTIVE


@pytest.mark.parametrize("seen", [True, False])
async def test_given_the_room_closed_then_the_session_ends_and_another_begins(
    *, seen: bool
) -> None:
    world = World()
    old_id = await running(world) if seen else str((await world.start()).session.id)
    world.livekit.closes(ROOM)
    new = await world.start("user-2", agent_config={"stt": "new"})
    assert str(new.session.id) != old_id
    assert new.session.agent_config.values["stt"] == "new"
    old = await world.read_sessions.by_id(old_id, SYSTEM)
    assert (old.end_reason, old.ended_at) == (EndReason.ROOM_FINISHED, world.clock.now())
    assert [d.id for d in world.dispatches()] == [new.session.dispatch_id]


async def test_given_another_instance_of_the_room_then_the_session_ends_and_another_begins() -> (
    None
):
    world = World()
    old_id = await running(world)
    world.livekit.closes(ROOM)
    world.livekit.opens(ROOM)
    new = await world.start("user-2")
    assert str(new.session.id) != old_id
    assert (await world.read_sessions.by_id(old_id, SYSTEM)).end_reason is EndReason.ROOM_FINISHED
    assert [d.id for d in world.dispatches()] == [new.session.dispatch_id]


async def test_given_an_agent_of_another_name_then_ours_is_dispatched_all_the_same() -> None:
    world = World()
    session = await world.claimed_session()
    await world.ledger.save(session.with_dispatch_failed(world.clock.now(), uncertain=False))
    world.livekit.opens(ROOM)
    await world.dispatch_agent.dispatcher.create(
        session.room_name, "another", '{"session_id": null}'
    )
    world.livekit.agents_join(ROOM)
    await world.start()
    assert len(world.dispatches()) == 2


async def test_given_the_room_closes_while_the_agent_is_dispatched_again_then_there_is_one() -> (
    None
):
    """The dispatch makes a new instance of the room, which is the session's then."""
    world = World()
    await running(world)
    world.livekit.agents_leave(ROOM)
    pause = world.livekit.pause("create")
    request = asyncio.create_task(world.start("user-2"))
    await pause.reached.wait()
    world.livekit.closes(ROOM)
    pause.resumed.set()
    again = await request
    joined = await world.start("user-3")
    assert len(world.dispatches()) == 1
    assert joined.session.id == again.session.id


async def test_given_an_agent_that_was_found_there_and_left_then_another_is_dispatched() -> None:
    """Its dispatch was never recorded: LiveKit timed out. It must not pass for a new one."""
    world = World()
    world.livekit.fail("create", Fault.TIMED_OUT_AFTER)
    world.livekit.fail("list", Fault.UNREACHABLE)
    with pytest.raises(LiveKitUncertain):
        await world.start()
    world.livekit.agents_join(ROOM)
    await world.start("user-2")
    world.livekit.agents_leave(ROOM)
    again = await world.start("user-3")
    assert [d.id for d in world.livekit.expected(ROOM)] == [again.session.dispatch_id]


async def test_given_a_claim_whose_holder_died_then_it_is_not_in_the_way_once_it_expired() -> None:
    world = World()
    session = await world.claimed_session("dead")
    world.clock.advance(LEASE)
    started = await world.start()
    assert started.session.id == session.id
    assert len(world.dispatches()) == 1
    assert world.clock.slept == []


async def test_given_a_configuration_that_was_not_kept_then_the_joiner_brings_one() -> None:
    world = World()
    started = await world.start("user-1", agent_config={"prompt": "first", "llm": "x/first"})
    outline = started.session.agent_config.outline
    world.storage.stored[started.session.id] = attrs.evolve(world.session(), agent_config=outline)
    world.clock.advance(GRACE)

    joined = await world.start("user-2", agent_config={"prompt": "second", "llm": "x/second"})

    assert joined.session.id == started.session.id
    (dispatch,) = world.dispatches()
    assert '"prompt":"second"' in dispatch.metadata.replace(": ", ":")
    assert joined.session.agent_config.values["llm"] == "x/second"
