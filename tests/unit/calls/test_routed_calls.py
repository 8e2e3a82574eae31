"""Calls to stored numbers: whose they are and which agent answers, decided once for each."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.access import SYSTEM, Access, Scope
from domain.agents.agent import Agent
from domain.calls.call import Call
from domain.calls.call_facts import CallRouted
from domain.calls.route_inbound_call import UNROUTED
from domain.phone_numbers.call_route import CallRoute, WebhookExchange
from domain.rooms.room import Participant, ParticipantKind
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from domain.sessions.start_session import StartSessionCommand
from domain.shared.errors import DomainError
from tests.examples import examples
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.fakes import NOON
from tests.unit.worlds.telephony import CALLER, PhoneWorld
from tests.unit.worlds.world import AGENT, ROOM

NUMBER: Final = "+15105550123"
SECOND: Final = timedelta(seconds=1)


def owner(tenant: str | None) -> Access:
    return Access(tenant=tenant, scopes=frozenset(Scope) - {Scope.ADMIN}, sees_unowned=False)


async def save_agent(world: PhoneWorld, tenant: str | None = "ann", **fields: Any) -> Agent:
    given_fields = {"name": f"agent of {tenant}", "agentName": f"worker-{tenant}", **fields}
    return await world.manage_agents.create(given_fields, owner(tenant))


async def answered_by(world: PhoneWorld, tenant: str | None = "ann", **fields: Any) -> Agent:
    """An agent of the tenant's, which answers the number."""
    agent = await save_agent(world, tenant)
    body = {"number": NUMBER, "agentId": str(agent.id), **fields}
    await world.manage_phone_numbers.create(body, SYSTEM)
    return agent


async def reassign(world: PhoneWorld, tenant: str = "ben") -> None:
    await world.manage_phone_numbers.delete(NUMBER, SYSTEM)
    await answered_by(world, tenant)


def events(call: Call) -> list[tuple[str, str]]:
    assert call.route is not None
    return [(event.what, event.detail) for event in call.route.events()]


async def test_a_call_is_its_number_s_tenant_s_and_is_answered_by_the_number_s_agent() -> None:
    world = PhoneWorld()
    config = {"prompt": "You help {{who}}.", "engine": {"a": 1}}
    agent = await save_agent(world, agentConfig=config, variables={"who": "customers"})
    await world.manage_phone_numbers.create({"number": NUMBER, "agentId": str(agent.id)}, SYSTEM)
    leg = world.joins()

    await world.hears_all()

    call, session = world.call(leg), world.session()
    assert (call.tenant, call.session_id) == ("ann", session.id)
    assert (session.tenant, session.agent_id, session.agent_version) == ("ann", agent.id, 1)
    (dispatch,) = world.dispatches()
    metadata = json.loads(dispatch.metadata)
    assert dispatch.agent_name == "worker-ann"
    assert (metadata["prompt"], metadata["engine"]) == ("You help customers.", {"a": 1})
    assert metadata["call_id"] == str(call.id)
    assert metadata["called_number"] == NUMBER
    assert events(call) == [("routed", f"agent {agent.id}@1")]


async def test_given_no_number_is_stored_then_the_default_agent_answers() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()

    call, session = world.call(leg), world.session()
    assert (call.tenant, session.tenant, session.agent_name) == (None, None, AGENT)
    why = f"AGENT_NAME by default: no phone number {NUMBER} is stored"
    assert events(call) == [("routed", why)]


@pytest.mark.parametrize(
    ("called", "tenant"),
    [("15105550123", "ann"), ("5105550123", None), ("015105550123", None), ("a15105550123", None)],
)
async def test_a_number_that_arrives_without_its_plus_is_found(
    called: str, tenant: str | None
) -> None:
    world = PhoneWorld()
    await answered_by(world)

    found = await world.route_call.find(called, None)

    assert (found and found.tenant) == tenant


async def test_a_call_to_another_number_is_served_by_default() -> None:
    world = PhoneWorld()
    await answered_by(world)
    await world.manage_phone_numbers.delete(NUMBER, SYSTEM)
    agent = await save_agent(world, "ben")
    await world.manage_phone_numbers.create(
        {"number": "+15105550199", "agentId": str(agent.id)}, SYSTEM
    )
    leg = world.joins()
    await world.hears_all()

    call, session = world.call(leg), world.session()
    assert (call.tenant, session.tenant, session.agent_name) == (None, None, AGENT)
    assert session.agent_config.values["noise_cancellation_type"] == "telephony"
    why = f"AGENT_NAME by default: no phone number {NUMBER} is stored"
    assert events(call) == [("routed", why)]


@pytest.mark.parametrize(
    ("trunk", "tenant"), [("ST_a", "ann"), ("ST_b", "ben"), ("ST_c", None), (None, None)]
)
async def test_a_trunk_s_own_entry_answers_its_calls(trunk: str | None, tenant: str | None) -> None:
    world = PhoneWorld()
    await answered_by(world, "ann", trunkId="ST_a")
    await answered_by(world, "ben", trunkId="ST_b")
    leg = await joins_by(world, trunk)

    assert world.call(leg).tenant == tenant


@pytest.mark.parametrize(("trunk", "name"), [("ST_a", "worker-a"), ("ST_b", "worker-ann")])
async def test_an_entry_without_a_trunk_answers_the_other_trunks(trunk: str, name: str) -> None:
    world = PhoneWorld()
    await answered_by(world, "ann")
    special = await save_agent(world, "ann", name="special", agentName="worker-a")
    body = {"number": NUMBER, "agentId": str(special.id), "trunkId": "ST_a"}
    await world.manage_phone_numbers.create(body, SYSTEM)

    await joins_by(world, trunk)

    assert world.session().agent_name == name


async def joins_by(world: PhoneWorld, trunk: str | None) -> SipLeg:
    """A caller who comes by this trunk, of whom a webhook tells."""
    world.joins()
    room = world.livekit.opens(ROOM)
    who = room.people[CALLER]
    assert who.leg is not None
    leg = attrs.evolve(who.leg, trunk_id=trunk)
    room.people[CALLER] = Participant(CALLER, ParticipantKind.SIP, leg=leg)
    event = world.reader.events[-1]
    world.reader.events[-1] = attrs.evolve(event, participant=room.people[CALLER])
    await world.hears_all()
    return leg


async def test_given_the_number_is_reassigned_while_the_call_rings_then_the_call_stays() -> None:
    world = PhoneWorld()
    agent = await answered_by(world)
    world.livekit.fail("create", Fault.REFUSED)
    leg = world.joins(status=LegStatus.RINGING)
    await world.hears_all()
    assert (world.call(leg).tenant, world.call(leg).session_id) == ("ann", None)

    await reassign(world)
    await world.settles()

    assert world.call(leg).tenant == "ann"
    session = world.session()
    assert (session.tenant, session.agent_id, session.agent_name) == ("ann", agent.id, "worker-ann")


async def test_given_another_version_after_the_decision_then_the_call_keeps_its_own() -> None:
    world = PhoneWorld()
    agent = await answered_by(world)
    call = await decided(world)

    await world.manage_agents.change(str(agent.id), {"agentName": "other"}, None, SYSTEM)
    session = await world.assign_agent.session_of(call)

    assert (session.agent_version, session.agent_name) == (1, "worker-ann")


async def test_given_the_agent_is_deleted_after_the_decision_then_the_default_one_answers() -> None:
    world = PhoneWorld()
    agent = await answered_by(world)
    call = await decided(world)

    await world.manage_agents.delete(str(agent.id), SYSTEM)
    session = await world.assign_agent.session_of(call)

    assert (session.tenant, session.agent_name, session.agent_id) == ("ann", AGENT, None)


async def decided(world: PhoneWorld) -> Call:
    """A call whose process died once it was decided."""
    leg = world.joins()
    routing = await world.assign_agent.route(None, leg)
    return await world.record_call_fact(leg, *routing.facts)


async def test_given_the_number_s_agent_is_deleted_then_its_tenant_s_call_has_the_default() -> None:
    world = PhoneWorld()
    agent = await answered_by(world)
    await world.manage_agents.delete(str(agent.id), SYSTEM)
    leg = world.joins()
    await world.hears_all()

    call = world.call(leg)
    session = world.session()
    assert (call.tenant, session.tenant, session.agent_name) == ("ann", "ann", AGENT)
    [(what, detail)] = events(call)
    assert (what, "AGENT_NAME by default" in detail) == ("routed", True)


async def test_given_a_variable_without_a_value_then_the_default_agent_answers() -> None:
    world = PhoneWorld()
    agent = await save_agent(world, agentConfig={"prompt": "{{who}}"}, variables={"who": None})
    body = {"number": NUMBER, "agentId": str(agent.id)}
    await world.manage_phone_numbers.create(body, SYSTEM)
    leg = world.joins()
    await world.hears_all()

    assert "variables.who is required" in events(world.call(leg))[0][1]
    assert world.session().agent_name == AGENT


async def test_given_the_webhook_is_lost_then_the_reconciler_decides_the_same() -> None:
    world = PhoneWorld()
    agent = await answered_by(world)
    leg = world.joins()

    await world.looks()

    call, session = world.call(leg), world.session()
    assert (call.tenant, call.session_id) == ("ann", session.id)
    assert (session.tenant, session.agent_id) == ("ann", agent.id)


@pytest.mark.parametrize("told", ["by a webhook", "by a look"])
async def test_given_a_live_session_in_the_room_then_the_call_is_the_number_s_tenant_s(
    told: str,
) -> None:
    world = PhoneWorld()
    await answered_by(world)
    started = await world.start()
    world.user_joins()
    world.agents_join()
    await world.hears_all()
    leg = world.joins()

    await (world.looks() if "look" in told else world.hears_all())

    call = world.call(leg)
    assert (call.tenant, call.session_id) == ("ann", started.session.id)


async def test_an_outbound_call_is_routed_by_no_number() -> None:
    world = PhoneWorld()
    await answered_by(world)
    leg = attrs.evolve(world.joins(), direction=Direction.OUTBOUND, to_number=NUMBER)

    assert await world.assign_agent.route(None, leg) == UNROUTED


async def test_given_the_first_number_comes_after_the_session_then_the_call_stays() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    call = world.call(leg)
    crashed = attrs.evolve(call, session_id=None)  # before the session was recorded in the call
    world.storage.memory.calls.by_id[call.id] = crashed
    await answered_by(world)

    assert await world.assign_agent.route(crashed, leg) == UNROUTED
    await world.settles()

    assert (world.call(leg).tenant, world.session().tenant) == (None, None)


def route(number: int) -> CallRoute:
    return CallRoute(at=NOON, number=NUMBER, tenant=f"tenant-{number}", agent=f"x@{number}")


async def test_of_two_decisions_the_first_that_is_recorded_stays_for_both() -> None:
    world = PhoneWorld()
    leg = world.joins()
    known = await world.record_call_fact(leg)

    first = await world.record_call_fact.on_known(known, CallRouted(route(1)))
    second = await world.record_call_fact.on_known(known, CallRouted(route(2)))

    assert (first.route, second.route) == (route(1), route(1))
    assert second.tenant == "tenant-1"


def test_a_route_is_read_as_it_was_stored() -> None:
    exchange = WebhookExchange(
        url="https://example.com", asked_at=NOON, attempts=2, answered_after_ms=7,
        answered_at=NOON + SECOND,
    )  # fmt: skip
    for one in (
        CallRoute(at=NOON),
        attrs.evolve(route(1), variables={"a": "b"}, agent_config={"x": None}, webhook=exchange),
        attrs.evolve(route(2), reject=486, metadata={"a": [1]}, default_because="why"),
    ):
        text = json.dumps({**one.fields, "added_later": 1})
        assert CallRoute.stored(json.loads(text)) == one


ACTIONS: Final = [
    "event", "event elsewhere", "look", "look elsewhere", "reassign", "delete", "fault", "time",
    "agents join", "another version",
]  # fmt: skip


@examples(60)
@given(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=14))
async def test_whatever_happens_a_call_is_decided_once_and_its_session_agrees(
    actions: list[str],
) -> None:
    world = PhoneWorld()
    other = PhoneWorld(beside=world)
    await answered_by(world)
    leg = world.joins()
    [joined] = world.told
    seen: set[tuple[Any, ...]] = set()
    for number, action in enumerate(actions):
        await perform(world, other, action, number)
        for call in world.storage.calls:
            if call.route is not None:
                seen.add((call.tenant, call.route.number, call.route.agent))
    world.livekit.recover()
    await world.hears(joined)
    await world.settles()

    call = world.call(leg)
    agent = None if call.route is None else call.route.agent
    if call.route is None:  # there was no number at all when it was served
        assert seen == set()
        assert call.tenant is None
    else:
        assert seen <= {(call.tenant, call.route.number, agent)}
    sessions = {
        (one.tenant, None if one.agent_id is None else f"{one.agent_id}@{one.agent_version}")
        for one in world.storage.history
    }
    assert sessions == {(call.tenant, agent)}


async def perform(world: PhoneWorld, other: PhoneWorld, action: str, number: int) -> None:
    chosen = other if "elsewhere" in action else world
    match action.removesuffix(" elsewhere"):
        case "event":
            with suppress(DomainError):
                await chosen.handle_room_event(world.reader.events[0], world.clock.now())
        case "look":
            await chosen.looks()
        case "reassign" | "delete":
            for entry in await world.phone_numbers.of_number(NUMBER, SYSTEM):
                await world.phone_numbers.delete(entry.id, SYSTEM)
            if action == "reassign":
                agent = await save_agent(world, f"tenant-{number}")
                body = {"number": NUMBER, "agentId": str(agent.id)}
                await world.manage_phone_numbers.create(body, SYSTEM)
        case "fault":
            world.livekit.fail("create", Fault.TIMED_OUT_AFTER)
        case "time":
            world.clock.advance(SECOND)
        case "agents join":
            world.agents_join()
        case _:
            for agent in await world.saved_agents.page(None, 10, SYSTEM):
                change = {"description": f"{number}"}
                await world.manage_agents.change(str(agent.id), change, None, SYSTEM)


async def test_given_as_many_sessions_as_a_key_may_have_then_a_call_is_answered() -> None:
    world = PhoneWorld()
    await answered_by(world)
    most = world.ensure_agent.limit.most
    for number in range(most):
        command = StartSessionCommand("user-1", f"room-{number}", access=owner("ann"))
        await world.start_session(command)
    leg = world.joins()

    await world.hears_all()

    assert (world.call(leg).tenant, world.call(leg).session_id) == ("ann", world.session().id)
    assert len(world.dispatches()) == 1


async def test_given_the_limit_and_a_failed_dispatch_then_the_call_is_answered_later() -> None:
    world = PhoneWorld()
    await answered_by(world)
    world.livekit.fail("create", Fault.REFUSED)
    leg = world.joins()
    await world.hears_all()
    for number in range(world.ensure_agent.limit.most - 1):
        command = StartSessionCommand("user-1", f"room-{number}", access=owner("ann"))
        await world.start_session(command)
    assert world.call(leg).session_id is None

    world.joins("sip_+15105550101", "room-9")
    await world.settles()

    assert world.call(leg).session_id == world.session().id


@pytest.mark.parametrize("heard", [True, False])
async def test_given_the_ledger_keeps_outlines_then_another_agent_gets_the_whole_configuration(
    *, heard: bool
) -> None:
    world = PhoneWorld()
    config = {"prompt": "You are the desk.", "greeting": "Hello!"}
    agent = await save_agent(world, agentConfig=config)
    body = {"number": NUMBER, "agentId": str(agent.id)}
    await world.manage_phone_numbers.create(body, SYSTEM)
    await world.serves()
    session = world.session()
    # As STORE_AGENT_CONFIG=false stores it.
    outline = attrs.evolve(session, agent_config=session.agent_config.outline)
    world.storage.memory.sessions.by_id[session.id] = outline
    world.clock.advance(60 * SECOND)

    world.agents_leave()
    await (world.hears_all() if heard else world.looks_twice())

    [*_, dispatch] = world.dispatches()
    assert "You are the desk." in dispatch.metadata
    assert dispatch.metadata == session.metadata()
    assert dispatch.id != session.dispatch_id
