"""Calls that a webhook decides: asked beside other work, decided once, acted on as stored."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.access import SYSTEM
from domain.calls.ask_before_call import ASKED_WITHIN, MOST_OF_A_NUMBER, MOST_OF_A_TENANT
from domain.calls.call import Call
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.phone_numbers.webhook_exchange import NoAnswer
from domain.rooms.sip_leg import SipLeg
from domain.shared.errors import DomainError, TooEarly
from tests.examples import examples
from tests.unit.calls.test_routed_calls import answered_by, events, reassign, save_agent
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import CALLER, PhoneWorld
from tests.unit.worlds.world import ROOM

URL: Final = "https://example.com/calls?token=hidden"
ASKS: Final[dict[str, Any]] = {"preCallWebhook": {"url": URL}}
SECOND: Final = timedelta(seconds=1)


def says(**fields: object) -> bytes:
    return json.dumps(fields).encode()


async def decided(world: PhoneWorld, leg: SipLeg) -> Call:
    """The call once its webhook has decided it and its agent was dispatched."""
    await world.hears_all()
    await world.ask_before.settled()
    await world.ledger.settled()
    return world.call(leg)


async def test_the_answer_decides_and_is_stored_before_it_is_acted_on() -> None:
    world = PhoneWorld()
    agent = await answered_by(world, **ASKS)
    world.webhooks.answers = [says(agentConfig={"prompt": "b"}, metadata={"plan": "gold"})]
    leg = world.joins()

    call = await decided(world, leg)

    [(webhook, message_id, body)] = world.webhooks.asked
    assert (webhook.url, message_id) == (URL, str(call.id))
    assert json.loads(body)["to"] == leg.to_number
    assert (call.tenant, call.session_id) == ("ann", world.session().id)
    assert world.session().agent_id == agent.id
    [dispatch] = world.dispatches()
    metadata = json.loads(dispatch.metadata)
    assert (metadata["prompt"], metadata["metadata"]) == ("b", {"plan": "gold"})
    assert [what for what, _ in events(call)] == ["webhook_asked", "webhook_answered", "routed"]
    assert events(call)[0][1] == "https://example.com/calls"


class Held:
    """A webhook that answers once it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked = 0

    async def send(self, _webhook: PreCallWebhook, _message_id: str, _body: bytes) -> bytes:
        self.asked += 1
        await self.may.wait()
        return b"{}"


def hold(world: PhoneWorld) -> Held:
    held = Held()
    world.ask_before.ask_webhook.sender = held
    return held


async def test_a_webhook_that_hangs_delays_no_other_call() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    held = hold(world)
    legs = [world.joins(f"sip_+1510555{n:04}", f"room-{n}") for n in range(40)]
    await world.hears_all()  # which returns although none has answered
    await asyncio.sleep(0)

    assert held.asked == MOST_OF_A_NUMBER
    waiting = [world.call(leg) for leg in legs if world.call(leg).route is None]
    assert len(waiting) == MOST_OF_A_NUMBER
    held.may.set()
    await world.ask_before.settled()
    assert all(world.call(leg).route is not None for leg in legs)
    why = "too many pre-call webhooks wait for an answer"
    assert sum(why in str(events(world.call(leg))) for leg in legs) == 8


async def test_given_the_process_dies_while_it_asks_then_the_call_is_taken_up_again() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    hold(world)
    leg = world.joins()
    await world.hears_all()
    assert world.call(leg).route is None

    replica = PhoneWorld(beside=world)
    world.clock.advance(4 * SECOND)
    await replica.works_off()
    await replica.ask_before.settled()

    call = world.call(leg)
    assert (call.tenant, call.session_id) == ("ann", world.session().id)


async def test_given_two_replicas_get_two_answers_then_both_act_on_the_first_stored() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    other = PhoneWorld(beside=world)
    world.webhooks.answers = [says(reject=486)]
    other.webhooks.answers = [says(agentConfig={"prompt": "b"})]
    leg = world.joins()
    held = hold(world)
    await world.hears_all()
    world.clock.advance(ASKED_WITHIN)
    await other.looks()
    await other.ask_before.settled()
    world.ask_before.ask_webhook.sender = world.webhooks
    held.may.set()
    await world.ask_before.settled()
    await world.settles()

    call = world.call(leg)
    assert call.route is not None
    assert (call.route.reject, call.is_live) == (None, True)
    assert len(world.dispatches()) == 1


async def test_a_refused_call_s_room_is_deleted_and_nothing_is_dispatched() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    world.webhooks.answers = [says(reject=603)]
    leg = world.joins()

    call = await decided(world, leg)

    assert events(call)[-1] == ("rejected", "603")
    assert (call.session_id, world.storage.newest_in(leg.room_name)) == (None, None)
    assert leg.room_name not in world.livekit.open


async def test_a_refused_caller_leaves_a_shared_room_alone() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    await world.start()
    world.user_joins()
    world.agents_join()
    world.webhooks.answers = [says(reject=403)]
    leg = world.joins()

    await decided(world, leg)

    people = world.livekit.open[leg.room_name].people
    assert CALLER not in people
    assert "user-1" in people


async def test_given_livekit_is_down_then_the_refusal_is_carried_out_later() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    world.webhooks.answers = [says(reject=486)]
    leg = world.joins()
    await world.hears_all()
    world.livekit.down = Fault.UNREACHABLE
    await world.ask_before.settled()
    assert world.call(leg).is_rejected
    assert [str(error) for _, error in world.undecided] == ["LiveKit cannot be reached."]
    assert leg.room_name in world.livekit.open

    world.livekit.recover()
    await world.settles()

    assert leg.room_name not in world.livekit.open
    assert len(world.webhooks.asked) == 1


@pytest.mark.parametrize("may_retry", [True, False])
async def test_without_an_answer_the_number_s_agent_answers_and_the_reason_is_shown(
    *, may_retry: bool
) -> None:
    world = PhoneWorld()
    agent = await answered_by(world, **ASKS)
    world.webhooks.answers = [NoAnswer("could not be reached", may_retry=may_retry)]

    call = await decided(world, world.joins())

    assert len(world.webhooks.asked) == (2 if may_retry else 1)
    default = f"agent {agent.id}@1 by default: the webhook could not be reached"
    assert [what for what, _ in events(call)] == ["webhook_asked", "routed"]
    assert events(call)[-1][1] == default


async def test_the_budget_bounds_both_attempts() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    asks = world.ask_before.ask_webhook
    asks.budget, asks.first_attempt = timedelta(milliseconds=20), timedelta(milliseconds=5)
    held = hold(world)

    call = await decided(world, world.joins())

    assert held.asked == 2
    assert "did not answer within 0.02 s" in events(call)[-1][1]


async def test_a_caller_who_leaves_meanwhile_gets_no_agent() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    held = hold(world)
    leg = world.joins()
    await world.hears_all()
    world.closes()
    held.may.set()
    await world.ask_before.settled()
    await world.settles()

    assert (world.call(leg).session_id, world.livekit.open) == (None, {})


async def test_given_the_number_changes_hands_while_it_is_asked_then_one_decision_stays() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    held = hold(world)
    leg = world.joins()
    await world.hears_all()
    await reassign(world)
    held.may.set()
    call = await decided(world, leg)

    assert (call.tenant, world.session().tenant) == ("ann", "ann")


@pytest.mark.parametrize("repeats", [1, 3])
async def test_given_a_defect_while_it_asks_then_the_number_s_agent_answers_and_it_is_reported(
    repeats: int,
) -> None:
    world = PhoneWorld()
    agent = await answered_by(world, **ASKS)
    world.webhooks.answers = [RuntimeError("boom")]

    leg = world.joins()
    for _ in range(repeats):
        call = await decided(world, leg)
        await world.looks()

    assert len(world.webhooks.asked) == 1
    assert call.session_id == world.session().id
    detail = f"agent {agent.id}@1 by default: asking the webhook failed unexpectedly"
    assert events(call) == [("routed", detail)]
    assert [(found.id, str(error)) for found, error in world.undecided] == [(call.id, "boom")]


async def test_given_a_webhook_that_is_being_asked_then_another_replica_s_look_waits_for_it() -> (
    None
):
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    other = PhoneWorld(beside=world)
    hold(world)
    leg = world.joins()
    await world.hears_all()
    elsewhere = hold(other)

    await other.looks()
    await asyncio.sleep(0)
    assert elsewhere.asked == 0
    world.clock.advance(ASKED_WITHIN)
    await other.looks()
    await asyncio.sleep(0)

    assert elsewhere.asked == 1
    elsewhere.may.set()
    await other.ask_before.settled()
    assert world.call(leg).session_id == world.session().id


async def test_given_a_live_session_then_the_webhook_is_sent_the_headers_of_the_listed_caller() -> (
    None
):
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    await world.start()
    world.user_joins()
    world.agents_join()
    await world.hears_all()
    leg = world.joins()
    people = world.livekit.opens(ROOM).people
    listed = attrs.evolve(leg, headers={"X-Customer": "7"})
    people[CALLER] = attrs.evolve(people[CALLER], leg=listed)
    world.clock.advance(ASKED_WITHIN)

    await world.looks()
    await world.ask_before.settled()

    [(_, _, body)] = world.webhooks.asked
    assert json.loads(body)["headers"] == {"X-Customer": "7"}


async def test_a_tenant_s_webhooks_that_hang_take_nothing_from_another_tenant() -> None:
    world = PhoneWorld()
    for number in range(4):
        entry = await stored(world, "ann", f"+1510555{2000 + number}", **ASKS)
    other = await stored(world, "ben", "+15105553000", **ASKS)
    held = hold(world)
    for number in range(4):
        for caller in range(20):
            await calls(world, f"+1510555{2000 + number}", f"room-{number}-{caller}")
    await asyncio.sleep(0)
    assert held.asked == MOST_OF_A_TENANT

    await calls(world, other.number, "room-of-ben")
    await asyncio.sleep(0)

    assert held.asked == MOST_OF_A_TENANT + 1
    held.may.set()
    await world.ask_before.settled()
    why = "too many pre-call webhooks wait for an answer"
    refused = [call for call in world.storage.calls if why in str(events(call))]
    assert len(refused) == 80 - MOST_OF_A_TENANT
    assert {call.tenant for call in refused} == {entry.tenant}


async def stored(world: PhoneWorld, tenant: str, number: str, **fields: Any) -> PhoneNumber:
    """A number with an agent of its own."""
    agent = await save_agent(world, tenant, name=f"agent of {number}")
    body = {"number": number, "agentId": str(agent.id), **fields}
    return await world.manage_phone_numbers.create(body, SYSTEM)


async def calls(world: PhoneWorld, number: str, room: str) -> SipLeg:
    """A caller of this number joins, of which a webhook tells."""
    leg = attrs.evolve(world.joins(f"sip_{room}", room), to_number=number)
    who = attrs.evolve(world.livekit.opens(room).people[f"sip_{room}"], leg=leg)
    world.livekit.opens(room).people[f"sip_{room}"] = who
    event = attrs.evolve(world.reader.events[-1], participant=who)
    with suppress(TooEarly):
        await world.handle_room_event(event, world.clock.now())
    return leg


ACTIONS: Final = ["event", "event elsewhere", "look", "look elsewhere", "answer", "reassign",
                  "fault", "time", "agents join"]  # fmt: skip
ANSWERS: Final = [b"{}", says(reject=486), b"lies", says(agentConfig={"prompt": "b"}),
                  NoAnswer("broke the connection", may_retry=True)]  # fmt: skip


@examples(60)
@given(
    st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=12),
    st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=6),
)
async def test_whatever_order_and_whatever_answers_one_decision_is_acted_on(
    actions: list[str], answers: list[bytes | Exception]
) -> None:
    world = PhoneWorld()
    other = PhoneWorld(beside=world)
    await answered_by(world, **ASKS)
    world.webhooks.answers = other.webhooks.answers = [*answers]
    leg = world.joins()
    [joined] = world.told
    routes = set[str]()
    for number, action in enumerate(actions):
        await perform(world, other, action, number)
        routes |= {str(call.route) for call in world.storage.calls if call.route is not None}
    world.livekit.recover()
    await world.hears(joined)
    for _ in range(3):
        await world.settles()
        await world.ask_before.settled()

    call = world.call(leg)
    assert call.route is not None
    assert routes | {str(call.route)} == {str(call.route)}
    begun = {(one.tenant, one.agent_version) for one in world.storage.history}
    if call.is_rejected:
        assert begun == set()
        assert not world.is_there(leg)
    else:
        assert begun == {(call.tenant, 1)}


async def perform(world: PhoneWorld, other: PhoneWorld, action: str, number: int) -> None:
    chosen = other if "elsewhere" in action else world
    match action.removesuffix(" elsewhere"):
        case "event":
            with suppress(DomainError):
                await chosen.handle_room_event(world.reader.events[0], world.clock.now())
        case "look":
            await chosen.looks()
        case "answer":
            await world.ask_before.settled()
            await other.ask_before.settled()
        case "reassign":
            await reassign(world, f"tenant-{number}")
        case "fault":
            world.livekit.fail("create", Fault.TIMED_OUT_AFTER)
        case "time":
            world.clock.advance(SECOND)
        case _ if ROOM in world.livekit.open:
            world.agents_join()
