"""What follows from where an agent was found: what is recorded, dispatched and removed."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.rooms.room import Room
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.keep_agent import delete_dispatches
from domain.sessions.retry_policy import FIRST_RETRY, STAYED
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.sessions.session_status import SessionStatus
from domain.shared.errors import ClaimHeld, Conflict
from domain.shared.livekit_errors import LiveKitError
from domain.shared.timeline import Source
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.world import AGENT, LEASE, MOMENT, ROOM, World

SECOND = timedelta(seconds=1)
MINUTE = 60 * SECOND
WHERE = Room(ROOM, "RM_1", 1)
MISSING = [AgentState.NOT_TAKEN, AgentState.NEVER_JOINED, AgentState.LEFT, AgentState.ABSENT]


def found(
    state: AgentState,
    *,
    people: bool = True,
    identity: str | None = "agent-1",
    dispatch_id: str | None = None,
    adopted: bool = False,
) -> AgentPresence:
    """What was found in the room."""
    agent = None
    if state is AgentState.IN_ROOM:
        agent = SeenAgent(identity=identity, dispatch_id=dispatch_id, adopted=adopted)
    return AgentPresence(
        state=state,
        room=WHERE,
        has_people=people,
        agent=agent,
        dispatch_id=dispatch_id,
        adopted=adopted,
    )


async def keep(world: World, session: Session, presence: AgentPresence) -> Session:
    await world.keep_agent(session, presence, Source.RECONCILER)
    await world.ledger.settled()
    return world.session()


async def dispatched(world: World) -> Session:
    return (await world.start()).session


async def active(world: World) -> Session:
    """A session whose agent has been in its room for long."""
    session = await dispatched(world)
    world.clock.advance(SECOND)
    seen = found(AgentState.IN_ROOM, dispatch_id=session.dispatch_id)
    session = await world.keep_agent.record(session, seen, Source.WEBHOOK)
    world.clock.advance(STAYED)
    return session


def timeline(session: Session) -> list[tuple[str, str]]:
    return [(entry.what, str(entry.source)) for entry in session.timeline]


# The agent is there


async def test_an_agent_that_joined_is_recorded_with_how_long_it_took() -> None:
    world = World()
    session = await dispatched(world)
    world.clock.advance(3 * SECOND)

    kept = await keep(world, session, found(AgentState.IN_ROOM))

    assert (kept.status, kept.room_sid, kept.agent_identity) == (
        SessionStatus.ACTIVE,
        "RM_1",
        "agent-1",
    )
    assert kept.agent_joined_at == kept.active_at == world.clock.now()
    assert kept.join_latency == 3 * SECOND
    assert timeline(kept)[-1] == ("agent_joined", "reconciler")


async def test_the_time_that_an_agent_took_is_told_once() -> None:
    world = World()
    session = await dispatched(world)
    world.clock.advance(3 * SECOND)
    for _ in range(3):
        session = await keep(world, session, found(AgentState.IN_ROOM))
        world.clock.advance(SECOND)
    assert world.latencies == [3 * SECOND]


async def test_what_is_known_of_an_agent_is_not_written_again() -> None:
    world = World()
    session = await active(world)
    world.clock.advance(SECOND)
    assert await keep(world, session, found(AgentState.IN_ROOM)) == session
    assert await keep(world, session, found(AgentState.IN_ROOM, identity=None)) == session


async def test_an_agent_whose_identity_was_not_known_is_named_and_did_not_join_again() -> None:
    world = World()
    session = await dispatched(world)
    world.clock.advance(SECOND)
    session = await keep(world, session, found(AgentState.IN_ROOM, identity=None))
    world.clock.advance(SECOND)
    kept = await keep(world, session, found(AgentState.IN_ROOM))
    assert kept.agent_identity == "agent-1"
    assert kept.agent_joined_at == session.agent_joined_at
    assert timeline(kept) == timeline(session)
    assert world.latencies == [SECOND]


async def test_another_agent_in_its_place_has_joined() -> None:
    world = World()
    session = await active(world)
    kept = await keep(world, session, found(AgentState.IN_ROOM, identity="agent-2"))
    assert kept.agent_identity == "agent-2"
    assert kept.agent_joined_at == world.clock.now()
    assert kept.join_latency is None
    assert world.latencies == [SECOND], "that of the first agent"
    assert timeline(kept)[-1] == ("agent_joined", "reconciler")


async def test_an_agent_in_the_rooms_next_instance_has_joined_that() -> None:
    world = World()
    session = await active(world)
    presence = attrs.evolve(found(AgentState.IN_ROOM), room=Room(ROOM, "RM_2", 1))
    kept = await keep(world, session, presence)
    assert kept.room_sid == "RM_2"
    assert kept.agent_joined_at == world.clock.now()
    assert world.latencies == [SECOND], "that in the first instance"


async def test_an_agent_that_comes_back_after_it_has_left_has_no_latency() -> None:
    world = World()
    session = await active(world)
    session = await keep(world, session, found(AgentState.LEFT, people=False))
    kept = await keep(world, session, found(AgentState.IN_ROOM))
    assert (kept.status, kept.agent_left_at) == (SessionStatus.ACTIVE, None)
    assert kept.join_latency is None
    assert world.latencies == [SECOND]


async def test_an_agent_that_comes_after_it_was_given_up_took_that_long() -> None:
    world = World()
    session = await dispatched(world)
    world.clock.advance(FIRST_RETRY)
    session = await keep(world, session, found(AgentState.NEVER_JOINED, people=False))
    world.clock.advance(MINUTE)
    kept = await keep(world, session, found(AgentState.IN_ROOM))
    assert kept.join_latency == FIRST_RETRY + MINUTE
    assert world.latencies == [kept.join_latency]


async def test_an_agent_that_another_program_dispatched_is_adopted_without_a_latency() -> None:
    world = World()
    session = await active(world)
    presence = found(AgentState.IN_ROOM, identity="agent-x", dispatch_id="AD_x", adopted=True)
    kept = await keep(world, session, presence)
    assert (kept.agent_adopted, kept.dispatch_id) == (True, "AD_x")
    assert kept.join_latency is None
    assert world.latencies == [SECOND], "that of the first agent"
    assert timeline(kept)[-2:] == [
        ("agent_adopted", "reconciler"),
        ("agent_joined", "reconciler"),
    ]


async def test_an_agent_of_a_dispatch_that_was_not_recorded_has_no_latency() -> None:
    world = World()
    session = await world.claimed_session()
    world.clock.advance(LEASE)
    kept = await keep(world, session, found(AgentState.IN_ROOM, dispatch_id="AD_1"))
    assert (kept.status, kept.dispatch_id) == (SessionStatus.ACTIVE, "AD_1")
    assert not kept.agent_adopted
    assert kept.join_latency is None
    assert world.latencies == []


@pytest.mark.parametrize("uncertain", [False, True])
async def test_an_agent_that_is_there_settles_a_claim_that_was_left_behind(
    uncertain: bool,  # noqa: FBT001
) -> None:
    world = World()
    session = await active(world)
    claimed = session.claimed("dead", world.clock.now(), LEASE)
    claim = attrs.evolve(claimed.claim, uncertain=uncertain)
    session = await world.ledger.save(attrs.evolve(claimed, claim=claim))
    kept = await keep(world, session, found(AgentState.IN_ROOM))
    assert not kept.claim.is_unsettled
    assert kept.agent_joined_at == session.agent_joined_at


# It is on its way


@pytest.mark.parametrize("state", [AgentState.WAITING, AgentState.JOINING])
async def test_an_agent_that_is_expected_is_waited_for(state: AgentState) -> None:
    world = World()
    session = await dispatched(world)
    presence = found(state, dispatch_id=session.dispatch_id)
    assert await keep(world, session, presence) == session
    assert world.livekit.count("create") == 1


@pytest.mark.parametrize("adopted", [False, True])
async def test_a_dispatch_that_the_ledger_did_not_know_is_recorded(
    adopted: bool,  # noqa: FBT001
) -> None:
    world = World()
    session = await world.claimed_session()
    world.clock.advance(LEASE)
    presence = found(AgentState.WAITING, dispatch_id="AD_9", adopted=adopted)
    kept = await keep(world, session, presence)
    assert (kept.status, kept.dispatch_id) == (SessionStatus.AGENT_DISPATCHED, "AD_9")
    assert kept.agent_adopted is adopted
    assert not kept.claim.is_unsettled
    assert timeline(kept)[-1][0] == ("agent_adopted" if adopted else "agent_dispatched")
    assert world.livekit.count("create") == 0


# It is missing


@pytest.mark.parametrize("state", MISSING)
@pytest.mark.parametrize("people", [False, True])
async def test_an_agent_that_never_came_is_recorded_and_replaced_for_a_person(
    state: AgentState,
    people: bool,  # noqa: FBT001
) -> None:
    world = World()
    session = await dispatched(world)
    world.clock.advance(FIRST_RETRY)
    kept = await keep(world, session, found(state, people=people))
    assert ("agent_never_joined", "reconciler") in timeline(kept)
    assert kept.agent_dispatched is people
    assert kept.agent_left_at is None
    assert world.livekit.count("create") == (2 if people else 1)
    assert len(world.dispatches()) == 1, "the earlier dispatch is deleted"


async def test_an_agent_that_left_is_recorded_and_replaced_for_a_person() -> None:
    world = World()
    session = await active(world)
    kept = await keep(world, session, found(AgentState.LEFT))
    assert ("agent_left", "reconciler") in timeline(kept)
    assert kept.agent_left_at == world.clock.now()
    assert kept.status is SessionStatus.AGENT_DISPATCHED
    assert kept.agent_identity is None


async def test_an_agent_that_left_an_empty_room_is_recorded_only() -> None:
    world = World()
    session = await active(world)
    kept = await keep(world, session, found(AgentState.LEFT, people=False))
    assert not kept.agent_dispatched
    assert world.livekit.count("create") == 1


@pytest.mark.parametrize(("after", "dispatches"), [(FIRST_RETRY - MOMENT, 1), (FIRST_RETRY, 2)])
async def test_the_next_dispatch_waits_for_its_back_off(after: timedelta, dispatches: int) -> None:
    world = World()
    session = await dispatched(world)
    world.clock.advance(after)
    kept = await keep(world, session, found(AgentState.ABSENT))
    assert world.livekit.count("create") == dispatches
    assert kept.agent_dispatched is (dispatches == 2)


async def test_given_the_new_dispatch_fails_then_the_next_one_waits_for_longer() -> None:
    world = World()
    session = await active(world)
    world.livekit.fail("create", Fault.REFUSED)
    with pytest.raises(LiveKitError):
        await keep(world, session, found(AgentState.LEFT))
    failed = world.session()
    assert failed.status is SessionStatus.DISPATCH_FAILED
    assert failed.retry_at == world.clock.now() + FIRST_RETRY
    assert await keep(world, failed, found(AgentState.ABSENT)) == failed


async def test_given_somebody_works_on_the_session_then_it_is_left_to_them() -> None:
    world = World()
    session = await dispatched(world)
    world.clock.advance(FIRST_RETRY)
    await world.ledger.save(session.claimed("other", world.clock.now(), LEASE))
    with pytest.raises((ClaimHeld, Conflict)):
        await keep(world, session, found(AgentState.NOT_TAKEN))
    assert world.livekit.count("create") == 1


@pytest.mark.parametrize("people", [False, True])
async def test_a_start_that_was_broken_off_is_finished_for_a_person(
    people: bool,  # noqa: FBT001
) -> None:
    world = World()
    session = await world.claimed_session()
    world.clock.advance(LEASE)
    kept = await keep(world, session, found(AgentState.ABSENT, people=people))
    expected = SessionStatus.AGENT_DISPATCHED if people else SessionStatus.DISPATCH_FAILED
    assert kept.status is expected
    assert not kept.claim.is_unsettled
    assert world.livekit.count("create") == int(people)


@pytest.mark.parametrize("state", MISSING)
async def test_only_a_person_without_an_agent_needs_one(state: AgentState) -> None:
    keep_agent = World().keep_agent
    assert keep_agent.is_needed(found(state))
    assert not keep_agent.is_needed(found(state, people=False))
    for other in set(AgentState) - set(MISSING):
        assert not keep_agent.is_needed(found(other))


# What is surplus


async def test_surplus_dispatches_and_agents_are_removed_and_the_rest_stays() -> None:
    world = World()
    session = await dispatched(world)
    extra = world.livekit.dispatches_of_others(ROOM, AGENT)
    world.livekit.agents_join(ROOM)
    presence = await world.find_agent(session, thorough=True)

    assert await world.keep_agent.remove_surplus(session, presence) == 1

    assert [one.id for one in world.dispatches()] == [session.dispatch_id]
    assert list(world.livekit.open[ROOM].people) == [f"agent-{session.dispatch_id}"]
    assert extra.agent not in world.livekit.open[ROOM].people


async def test_without_surplus_nothing_is_asked() -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.calls.clear()
    assert await world.keep_agent.remove_surplus(session, found(AgentState.IN_ROOM)) == 0
    assert world.livekit.calls == []


# Before a room is deleted


async def test_dispatches_of_the_sessions_agent_are_deleted_and_others_stay() -> None:
    world = World()
    session = await dispatched(world)
    other = world.livekit.dispatches_of_others(ROOM, "another")
    await delete_dispatches(world.dispatch_agent.dispatcher, session)
    assert [one.id for one in world.dispatches()] == [other.id]


@pytest.mark.parametrize("operation", ["list", "delete_dispatch"])
async def test_what_livekit_cannot_delete_now_is_left_to_the_reconciler(operation: str) -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.fail(operation, Fault.UNREACHABLE)
    await delete_dispatches(world.dispatch_agent.dispatcher, session)
    assert len(world.dispatches()) == 1
