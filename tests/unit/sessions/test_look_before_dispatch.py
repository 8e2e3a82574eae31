"""Before the first dispatch into a room that others may know, LiveKit is asked what is there."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from domain.access.access import WORK, Access
from domain.rooms.room import Participant, ParticipantKind
from domain.sessions.session_outline import LEFT_FOR
from domain.sessions.session_status import SessionStatus
from domain.sessions.start_session import StartSessionCommand
from domain.shared.errors import RoomTaken
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fake_livekit import Fault, ListedDispatch
from tests.unit.worlds.telephony import PhoneWorld, whats
from tests.unit.worlds.world import AGENT, GRACE, ROOM, World

OWN_ONLY = Access(tenant="a", scopes=WORK, sees_unowned=False)
OWN_AND_UNOWNED = Access(tenant="a", scopes=WORK, sees_unowned=True)
SECOND = timedelta(seconds=1)


def somebody_dispatched(world: World, agent_name: str = AGENT) -> ListedDispatch:
    """Another program's dispatch, or one that the ledger has lost."""
    dispatch = ListedDispatch(world.livekit.new_id("AD"), agent_name, '{"from": "a rule"}')
    world.livekit.opens(ROOM).dispatches[dispatch.id] = dispatch
    return dispatch


async def test_given_an_agent_of_ours_in_the_room_then_it_is_adopted() -> None:
    world = World()
    dispatch = somebody_dispatched(world)
    world.livekit.agents_join(ROOM)

    session = (await world.start()).session

    assert world.livekit.count("create") == 0
    assert session.status is SessionStatus.ACTIVE
    assert session.agent_adopted
    assert (session.agent_identity, session.dispatch_id) == (dispatch.agent, dispatch.id)
    assert [entry.what for entry in session.timeline] == ["agent_adopted", "agent_joined"]
    assert session.join_latency is None, "it was dispatched before the session"


async def test_given_a_dispatch_of_ours_is_listed_then_its_agent_is_waited_for() -> None:
    world = World()
    dispatch = somebody_dispatched(world)

    session = (await world.start()).session

    assert world.livekit.count("create") == 0
    assert session.status is SessionStatus.AGENT_DISPATCHED
    assert (session.dispatch_id, session.agent_adopted) == (dispatch.id, True)


async def test_given_no_worker_took_the_adopted_dispatch_then_the_next_start_replaces_it() -> None:
    world = World()
    dispatch = somebody_dispatched(world)
    await world.start()
    world.clock.advance(GRACE)

    session = (await world.start()).session

    assert session.dispatch_id != dispatch.id
    assert [one.id for one in world.dispatches()] == [session.dispatch_id]
    assert not session.agent_adopted


async def test_given_the_ledger_was_restored_then_the_agent_that_serves_is_adopted() -> None:
    world = World()
    backup = copy.deepcopy(world.storage.memory.sessions)
    lost = (await world.start()).session
    world.livekit.agents_join(ROOM)
    world.storage.memory.sessions = backup

    session = (await world.start()).session

    assert session.id != lost.id
    assert session.agent_adopted
    assert len(world.livekit.expected(ROOM)) == 1


@pytest.mark.parametrize("name", ["another", ""])
async def test_given_only_agents_of_other_names_then_ours_is_dispatched(name: str) -> None:
    world = World()
    somebody_dispatched(world, name)

    session = (await world.start()).session

    assert world.livekit.count("create") == 1
    assert not session.agent_adopted


async def test_given_livekit_does_not_answer_then_the_session_waits_for_the_next_start() -> None:
    world = World()
    somebody_dispatched(world)
    world.livekit.fail("participants", Fault.UNREACHABLE)

    with pytest.raises(LiveKitError):
        await world.start()

    assert world.session().status is SessionStatus.DISPATCH_FAILED
    assert world.livekit.count("create") == 0
    session = (await world.start()).session
    assert (session.id, session.agent_adopted) == (world.session().id, True)
    assert world.livekit.count("create") == 0


async def test_given_livekit_does_not_answer_then_no_room_becomes_a_tenants_unseen() -> None:
    world = World()
    world.livekit.fail("find", Fault.UNREACHABLE)

    with pytest.raises(LiveKitError):
        await start_as(world, OWN_ONLY)

    assert not world.storage.stored


async def test_a_generated_name_needs_no_look() -> None:
    world = World()
    await world.start(room_name=None)
    assert world.livekit.calls == ["create"]


async def test_nor_does_one_that_was_generated_for_an_idempotency_key() -> None:
    world = World()
    await world.start_once()
    assert world.livekit.calls == ["create"]


# Rooms that the ledger does not know


async def start_as(world: World, access: Access) -> None:
    await world.start_session(StartSessionCommand("user-1", ROOM, access=access))


async def test_a_room_of_others_is_not_there_for_a_key_that_sees_only_its_own() -> None:
    world = World()
    world.livekit.opens(ROOM)

    with pytest.raises(RoomTaken):
        await start_as(world, OWN_ONLY)

    assert not world.storage.stored
    assert world.livekit.count("create") == 0


@pytest.mark.parametrize("access", [OWN_AND_UNOWNED, Access()])
async def test_a_room_of_nobody_is_there_for_keys_that_see_such(access: Access) -> None:
    world = World()
    world.livekit.opens(ROOM)
    await start_as(world, access)
    assert world.livekit.count("create") == 1


@pytest.mark.parametrize(
    ("later", "theirs"), [(timedelta(), True), (LEFT_FOR - SECOND, True), (LEFT_FOR, False)]
)
async def test_a_room_that_was_theirs_lately_is_theirs_when_it_is_back(
    later: timedelta, *, theirs: bool
) -> None:
    world = World()
    await start_as(world, OWN_ONLY)
    await world.ledger.settled()
    await world.end()
    world.clock.advance(later)
    world.livekit.opens(ROOM)

    if theirs:
        await start_as(world, OWN_ONLY)
        return
    with pytest.raises(RoomTaken):
        await start_as(world, OWN_ONLY)


# Callers


async def test_given_a_dispatch_rule_names_our_agent_then_the_caller_gets_no_second_one() -> None:
    world = PhoneWorld()
    leg = world.joins()
    somebody_dispatched(world)

    await world.hears_all()

    assert world.livekit.count("create") == 0
    assert world.call(leg).session_id == world.session().id
    assert whats(world.call(leg))[-1] == ("agent_dispatched", "api")


async def test_given_another_programs_agent_serves_the_caller_then_ours_stays_away() -> None:
    world = PhoneWorld()
    world.livekit.opens(ROOM).people["consult"] = Participant("consult", ParticipantKind.AGENT)
    leg = world.joins()

    await world.hears_all()
    await world.looks()

    assert world.livekit.count("create") == 0
    assert world.call(leg).is_live
    assert world.call(leg).session_id is None


async def test_given_that_agent_leaves_then_ours_stays_away_all_the_same() -> None:
    world = PhoneWorld()
    consult = Participant("consult", ParticipantKind.AGENT)
    world.livekit.opens(ROOM).people["consult"] = consult
    world.joins()
    await world.hears_all()
    await world.looks()

    world.leaves("consult")
    await world.hears_all()
    await world.looks()

    assert world.livekit.count("create") == 0


async def test_given_another_instance_of_the_room_then_it_gets_no_agent_of_the_earlier_call() -> (
    None
):
    world = PhoneWorld()
    world.joins()
    world.livekit.closes(ROOM)
    world.livekit.opens(ROOM)

    await world.hears_all()

    assert world.livekit.count("create") == 0


async def test_given_the_caller_went_unheard_then_the_agent_is_called_back_in_one_interval() -> (
    None
):
    world = PhoneWorld()
    world.joins()
    world.livekit.closes(ROOM)
    await world.hears_all()
    assert world.livekit.count("create") == 1, "the event is fresh: LiveKit may list late"

    await world.looks()

    assert world.dispatches() == []
    assert not world.session().is_live


async def test_a_call_in_a_tenants_room_is_the_tenants() -> None:
    world = PhoneWorld()
    await start_as(world, OWN_ONLY)
    await world.ledger.settled()
    await world.end()

    leg = world.joins()
    await world.hears_all()

    assert world.session().tenant == "a"
    assert world.call(leg).tenant == "a"


async def test_a_call_in_a_room_that_was_a_tenants_long_ago_is_nobodys() -> None:
    world = PhoneWorld()
    await start_as(world, OWN_ONLY)
    await world.ledger.settled()
    await world.end()
    world.clock.advance(LEFT_FOR)

    world.joins()
    await world.hears_all()

    assert world.session().tenant is None
