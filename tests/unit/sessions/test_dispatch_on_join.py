"""Sessions whose agent is dispatched once a user has joined: exactly one, and none unasked."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.rooms.token_options import TOKEN_TTL, TokenRequest
from domain.sessions.extend_wait import JOIN_GRACE
from domain.sessions.renew_token import RenewTokenCommand
from domain.sessions.session_status import EndReason, SessionStatus
from domain.sessions.start_session import StartedSession, StartSessionCommand
from domain.shared.errors import AnsweredSessionEnded, InvalidInput, RoomTaken, TooManySessions
from domain.shared.idempotency_errors import IdempotencyKeyReused
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import INTERVAL, PhoneWorld
from tests.unit.worlds.world import AGENT, LEASE, MOMENT, ROOM, World

WAITS = TOKEN_TTL + JOIN_GRACE
ANN = Access(tenant="ann", scopes=WORK, sees_unowned=False)
BOB = Access(tenant="bob", scopes=WORK, sees_unowned=False)


@pytest.fixture
def world() -> PhoneWorld:
    return PhoneWorld()


async def offer(
    world: World, room: str | None = ROOM, access: Access = SYSTEM, identity: str = "user-1"
) -> StartedSession:
    command = StartSessionCommand(identity, room, access=access, dispatch="on_join")
    return await world.start_session(command)


async def one_agent(world: PhoneWorld) -> None:
    """Exactly one agent serves the room, and the ledger says so."""
    world.agents_join()
    await world.hears_all()
    assert len(world.agents()) == 1
    session = world.session()
    assert session.status is SessionStatus.ACTIVE
    assert [dispatch.id for dispatch in world.dispatches()] == [session.dispatch_id]


@pytest.mark.parametrize("room", [ROOM, None])
async def test_the_request_calls_nothing_of_livekit_s(world: PhoneWorld, room: str | None) -> None:
    started = await offer(world, room)

    assert world.livekit.calls == []
    assert not started.session.agent_dispatched
    assert started.session.status is SessionStatus.CREATED
    assert started.session.join_until == world.clock.now() + WAITS
    assert started.token


async def test_when_a_user_joins_then_one_agent_is_dispatched_with_the_session_s_metadata(
    world: PhoneWorld,
) -> None:
    command = StartSessionCommand(
        "user-1", ROOM, {"prompt": "Be brief."}, access=SYSTEM, dispatch="on_join"
    )
    started = await world.start_session(command)
    world.user_joins()
    await world.hears_all()

    [dispatch] = world.dispatches()
    assert dispatch.agent_name == AGENT
    assert dispatch.metadata == started.session.metadata()
    await one_agent(world)


async def test_given_the_event_is_lost_then_the_next_cycle_dispatches(world: PhoneWorld) -> None:
    await offer(world)
    world.user_joins()
    world.told.clear()

    await world.looks()

    assert len(world.dispatches()) == 1


async def test_given_events_repeated_and_reordered_then_there_is_one_agent(
    world: PhoneWorld,
) -> None:
    await offer(world)
    world.user_joins()
    world.leaves("user-1")
    world.user_joins()
    world.told = [*reversed(world.told), *world.told]
    await world.hears_all()
    await world.looks()

    await one_agent(world)


async def test_given_two_tabs_of_one_user_then_there_is_one_agent(world: PhoneWorld) -> None:
    first, second = await offer(world), await offer(world)
    assert first.session.id == second.session.id
    world.user_joins()
    world.leaves("user-1", reason="DUPLICATE_IDENTITY")
    world.user_joins()
    await world.hears_all()

    await one_agent(world)


async def test_given_a_room_that_others_have_opened_then_its_first_user_gets_one_agent(
    world: PhoneWorld,
) -> None:
    world.user_joins("stranger")
    await world.hears_all()
    await offer(world)
    world.user_joins()
    await world.hears_all()

    await one_agent(world)


async def test_given_an_agent_of_another_program_in_the_room_then_it_is_adopted(
    world: PhoneWorld,
) -> None:
    await offer(world)
    world.user_joins()
    world.livekit.dispatches_of_others(ROOM, AGENT)
    await world.hears_all()

    assert world.livekit.count("create") == 0
    await one_agent(world)


async def test_given_a_user_who_left_before_the_event_was_handled_then_no_agent_comes(
    world: PhoneWorld,
) -> None:
    await offer(world)
    world.user_joins()
    world.leaves("user-1")
    await world.hears_all()
    assert world.livekit.count("create") == 0

    world.user_joins()
    await world.hears_all()
    await one_agent(world)


async def test_given_a_room_that_closed_before_the_agent_came_when_the_user_joins_again_then_one(
    world: PhoneWorld,
) -> None:
    started = await offer(world)
    world.user_joins()
    await world.hears_all()
    world.closes()
    await world.hears_all()
    assert world.session().end_reason is EndReason.ROOM_FINISHED

    world.user_joins()
    await world.hears_all()

    again = world.session()
    assert again.id != started.session.id
    assert again.agent_config == started.session.agent_config
    await one_agent(world)


async def test_given_a_new_room_instance_before_the_end_of_the_old_one_is_heard_then_one_agent(
    world: PhoneWorld,
) -> None:
    await offer(world)
    world.user_joins()
    await world.hears_all()
    await one_agent(world)
    world.closes()
    late, world.told = world.told, []
    world.user_joins()
    await world.hears_all()
    await world.hears(*late)
    await world.works_off()

    await one_agent(world)


@pytest.mark.parametrize("hears", [True, False])
async def test_given_a_token_that_is_used_again_after_the_session_then_one_agent(
    world: PhoneWorld, *, hears: bool
) -> None:
    await offer(world)
    world.user_joins()
    await world.hears_all()
    await one_agent(world)
    world.closes()
    await world.hears_all()
    world.clock.advance(TOKEN_TTL - MOMENT)
    world.user_joins()
    if hears:
        await world.hears_all()
    else:
        world.told.clear()
        await world.looks()

    await one_agent(world)


async def test_given_a_saved_agent_when_its_token_is_used_again_then_the_session_shows_its_version(
    world: PhoneWorld,
) -> None:
    agent = await world.manage_agents.create({"name": "support"}, SYSTEM)
    command = StartSessionCommand(
        "user-1", ROOM, access=SYSTEM, dispatch="on_join", agent=str(agent.id)
    )
    first = await world.start_session(command)
    world.user_joins()
    await world.hears_all()
    world.closes()
    await world.hears_all()
    world.user_joins()
    await world.hears_all()

    again = world.session()
    assert again.id != first.session.id
    assert (again.agent_id, again.agent_version) == (agent.id, 1)


async def test_given_a_token_fetched_during_a_session_that_was_started_at_once_then_one_agent(
    world: PhoneWorld,
) -> None:
    first = await world.start()
    world.user_joins()
    world.agents_join()
    await world.hears_all()
    second = await offer(world)
    assert (second.session.id, second.session.agent_dispatched) == (first.session.id, True)
    world.closes()
    await world.hears_all()
    world.user_joins()
    await world.hears_all()

    await one_agent(world)


async def test_given_the_caller_ended_it_when_the_user_joins_then_no_agent_comes(
    world: PhoneWorld,
) -> None:
    await offer(world)
    await world.end()
    assert world.livekit.calls == ["delete_room"]
    assert world.session().end_reason is EndReason.ENDED_BY_CALLER
    world.user_joins()
    await world.hears_all()
    await world.goes_on()

    assert world.livekit.count("create") == 0


async def test_given_it_was_ended_after_its_room_had_closed_then_its_token_brings_no_agent(
    world: PhoneWorld,
) -> None:
    await offer(world)
    world.user_joins()
    await world.hears_all()
    world.closes()
    await world.hears_all()
    await world.end()
    before = world.livekit.count("create")
    world.user_joins()
    await world.hears_all()
    await world.goes_on()

    assert world.livekit.count("create") == before


async def test_given_livekit_is_down_when_an_unused_one_is_ended_then_it_stays(
    world: PhoneWorld,
) -> None:
    await offer(world)
    world.livekit.down = Fault.UNREACHABLE
    with pytest.raises(LiveKitError):
        await world.end()

    assert world.session().is_unused


async def test_an_unused_one_ends_when_its_token_has_and_costs_no_question(
    world: PhoneWorld,
) -> None:
    await offer(world, access=Access(tenant="ann", scopes=WORK))
    world.clock.advance(WAITS)
    await world.looks()
    assert world.session().is_live
    world.clock.advance(MOMENT)
    await world.looks()

    ended = world.session()
    assert (ended.status, ended.end_reason) == (SessionStatus.ENDED, EndReason.ABANDONED)
    assert [*world.livekit.calls] == ["list_rooms", "list_rooms"]
    assert await world.ledger.live_of("ann") == 0


async def test_a_second_token_extends_the_wait(world: PhoneWorld) -> None:
    await offer(world)
    world.clock.advance(TOKEN_TTL)
    await offer(world)
    world.clock.advance(WAITS)
    await world.looks()

    assert world.session().is_unused


async def test_given_an_empty_room_that_stays_open_then_an_unused_one_ends_all_the_same(
    world: PhoneWorld,
) -> None:
    await offer(world)
    world.livekit.opens(ROOM)
    world.clock.advance(WAITS + MOMENT)
    await world.looks()

    assert world.session().end_reason is EndReason.ABANDONED


async def test_given_a_user_livekit_did_not_list_when_it_expired_then_one_agent_comes(
    world: PhoneWorld,
) -> None:
    await offer(world)
    world.clock.advance(TOKEN_TTL - MOMENT)
    world.user_joins()
    world.told.clear()
    world.livekit.lies = {"list_rooms"}
    world.clock.advance(WAITS)
    await world.looks()
    assert world.session().end_reason is EndReason.ABANDONED
    world.livekit.lies = set()
    world.clock.advance(INTERVAL)
    await world.looks()

    await one_agent(world)


async def test_an_unused_one_counts_as_live_until_it_ends(world: PhoneWorld) -> None:
    for number in range(3):
        await offer(world, f"room-{number}", ANN)
    with pytest.raises(TooManySessions):
        await offer(world, "room-3", ANN)
    world.clock.advance(WAITS + MOMENT)
    await world.looks()

    await offer(world, "room-3", ANN)


@pytest.mark.parametrize("after", range(12))
async def test_given_a_process_that_dies_while_it_dispatches_then_one_agent_comes(
    after: int,
) -> None:
    world = PhoneWorld()
    await offer(world)
    world.user_joins()
    await world.hears(*world.told)
    world.told.clear()
    await world.steps.run([world.works_off()], [0] * after + [-1])
    await world.ledger.settled()
    world.ledger._recorded.clear()
    world.clock.advance(LEASE + INTERVAL)
    world.reconcile = world.new_reconcile()
    await world.looks()
    await world.works_off()
    await world.looks()

    await one_agent(world)


async def test_when_it_is_asked_for_at_once_then_its_agent_is_dispatched_at_once(
    world: PhoneWorld,
) -> None:
    waiting = await offer(world)
    started = await world.start()

    assert started.session.id == waiting.session.id
    assert started.session.agent_dispatched
    world.user_joins()
    await world.hears_all()
    await one_agent(world)


async def test_a_caller_s_key_repeats_the_answer_and_renews_the_wait(world: PhoneWorld) -> None:
    command = StartSessionCommand("user-1", access=SYSTEM, dispatch="on_join")
    first = await world.start_once("key-1", command)
    world.clock.advance(TOKEN_TTL)
    second = await world.start_once("key-1", command)

    assert (second.text, second.replayed) == (first.text, True)
    [session] = world.storage.stored.values()
    assert session.join_until == world.clock.now() + WAITS
    assert world.livekit.calls == []
    with pytest.raises(IdempotencyKeyReused):
        await world.start_once("key-1", attrs.evolve(command, dispatch="now"))
    world.clock.advance(WAITS + MOMENT)
    await world.looks()
    with pytest.raises(AnsweredSessionEnded):
        await world.start_once("key-1", command)


async def test_a_renewed_token_extends_the_wait_by_its_own_time(world: PhoneWorld) -> None:
    await offer(world)
    token = TokenRequest(token_ttl_seconds=1800)
    await world.renew_token(RenewTokenCommand(room_name=ROOM, access=SYSTEM, token=token))

    assert world.session().join_until == world.clock.now() + timedelta(minutes=30) + JOIN_GRACE


async def test_another_tenant_s_room_is_refused(world: PhoneWorld) -> None:
    await offer(world, access=ANN)
    for room in (ROOM, "later"):
        if room == "later":
            await offer(world, room, ANN)
            world.clock.advance(WAITS + MOMENT)
            await world.looks()
        with pytest.raises(RoomTaken):
            await offer(world, room, BOB)


async def test_another_program_s_room_is_refused_to_a_tenant(world: PhoneWorld) -> None:
    world.user_joins("stranger")
    with pytest.raises(RoomTaken):
        await offer(world, access=ANN)
    assert world.livekit.calls == ["find"]

    await offer(world, None, ANN)
    assert world.livekit.calls == ["find"]


async def test_given_configurations_are_not_kept_then_only_what_is_kept_may_be_chosen(
    world: PhoneWorld,
) -> None:
    await_user = attrs.evolve(world.await_user, keeps_configs=False)
    start = attrs.evolve(world.start_session, await_user=await_user)
    command = StartSessionCommand(
        "user-1", ROOM, {"prompt": "x"}, access=SYSTEM, dispatch="on_join"
    )
    with pytest.raises(InvalidInput, match="STORE_AGENT_CONFIG"):
        await start(command)

    started = await start(attrs.evolve(command, agent_config={"llm": "mine"}))
    whole = started.session
    kept = attrs.evolve(whole, agent_config=whole.agent_config.outline)
    assert kept.metadata() == whole.metadata()


@pytest.mark.parametrize("raw", ["later", "", "NOW", "on-join"])
async def test_an_unknown_timing_is_refused(world: PhoneWorld, raw: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.start(dispatch=raw)

    assert refused.value.details["field"] == "dispatch"


async def test_given_a_caller_by_telephone_in_its_room_then_one_agent_serves_both(
    world: PhoneWorld,
) -> None:
    await offer(world)
    world.joins()
    await world.hears_all()
    world.user_joins()
    await world.hears_all()

    await one_agent(world)


async def test_given_many_expire_at_once_then_nothing_is_held(world: PhoneWorld) -> None:
    for number in range(20):
        await offer(world, f"room-{number}")
    world.clock.advance(WAITS + timedelta(seconds=1))
    done = await world.looks()

    assert done.held is None
    assert done.repairs == {"session_ended": 20}


async def test_given_no_configs_are_kept_then_an_agent_without_tools_may_be_offered(
    world: PhoneWorld,
) -> None:
    await_user = attrs.evolve(world.await_user, keeps_configs=False)
    world.start_session = attrs.evolve(world.start_session, await_user=await_user)
    agent = await world.manage_agents.create({"name": "plain"}, SYSTEM)

    command = StartSessionCommand(
        "user-1", ROOM, access=SYSTEM, dispatch="on_join", agent=str(agent.id)
    )
    started = await world.start_session(command)

    assert started.session.is_unused
