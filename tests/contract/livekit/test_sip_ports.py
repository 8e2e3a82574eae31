"""Trunks and dispatch rules, against the simulator and a real server with Redis."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import attrs
import pytest
from livekit.api import LiveKitAPI, RoomAgentDispatch, RoomConfiguration
from livekit.protocol.sip import (
    CreateSIPDispatchRuleRequest,
    CreateSIPInboundTrunkRequest,
    SIPDispatchRule,
    SIPDispatchRuleCallee,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
)

from adapters.livekit.client import LiveKitClient
from domain.shared.livekit_errors import LiveKitRefused, LiveKitRefusesAll, LiveKitWithoutSip
from domain.trunks.dispatch_rule import DispatchRule, RuleKind
from domain.trunks.id_page import each
from domain.trunks.trunk import Transport, Trunk, TrunkDirection
from entrypoints.simulator.server import Simulator
from tests.contract.livekit.conftest import Adapters
from tests.livekit_server import API_KEY, API_SECRET, LiveKitServer


@pytest.fixture(params=["simulator", pytest.param("livekit-server", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "simulator":
        simulator: Simulator = request.getfixturevalue("simulator")
        return simulator.url
    server: LiveKitServer = request.getfixturevalue("real_server_with_sip")
    return server.url


@pytest.fixture
async def sip(url: str) -> AsyncIterator[Adapters]:
    async with LiveKitClient(url, API_KEY, API_SECRET) as client:
        yield Adapters.over(client)


@pytest.fixture
def number() -> str:
    """A number that no other test has used."""
    return f"+1510{uuid.uuid4().int % 10**7:07}"


def inbound(number: str, **more: Any) -> Trunk:
    return attrs.evolve(
        Trunk(direction=TrunkDirection.INBOUND, name="Main line", numbers=(number,)), **more
    )


def outbound(number: str) -> Trunk:
    return Trunk(
        direction=TrunkDirection.OUTBOUND,
        numbers=(number,),
        address="sip.provider.example",
        transport=Transport.TLS,
        auth_username="user",
        auth_password="a-password",
    )


def rule(*trunk_ids: str, kind: RuleKind = RuleKind.INDIVIDUAL) -> DispatchRule:
    return DispatchRule(kind=kind, name="Calls", room="call-", trunk_ids=trunk_ids)


async def all_trunks(sip: Adapters) -> list[Trunk]:
    return [trunk async for trunk in each(partial(sip.trunks.page, None))]


async def all_rules(sip: Adapters) -> list[DispatchRule]:
    return [rule async for rule in each(sip.rules.page)]


async def test_trunks_are_listed_by_pages_sorted_by_id(sip: Adapters, number: str) -> None:
    made = [await sip.trunks.create(outbound(number)) for _ in range(3)]
    made.append(await sip.trunks.create(inbound(number)))
    every = await all_trunks(sip)
    assert {one.id for one in made} <= {one.id for one in every}
    assert [one.id for one in every] == sorted(one.id for one in every)

    for direction in (None, *TrunkDirection):
        wanted = [one for one in every if direction in (None, one.direction)]
        paged: list[Trunk] = []
        while page := await sip.trunks.page(direction, paged[-1].id if paged else "", 2):
            assert len(page) <= 2
            paged += page
        assert paged == wanted


async def test_rules_are_listed_by_pages_sorted_by_id(sip: Adapters) -> None:
    for _ in range(3):
        trunk = await sip.trunks.create(inbound(f"+1510{uuid.uuid4().int % 10**7:07}"))
        await sip.rules.create(rule(trunk.id))
    every = await all_rules(sip)
    assert len(every) >= 3

    paged: list[DispatchRule] = []
    while page := await sip.rules.page(paged[-1].id if paged else "", 2):
        assert len(page) <= 2
        paged += page

    assert paged == every == sorted(every, key=lambda one: one.id)


async def test_an_inbound_trunk_is_listed_as_it_was_created(sip: Adapters, number: str) -> None:
    wanted = inbound(
        number,
        allowed_addresses=("192.0.2.0/24",),
        allowed_numbers=("+15105550100",),
        auth_username="user",
        auth_password="a-password",
    )

    created = await sip.trunks.create(wanted)

    assert created.id.startswith("ST_")
    assert created == attrs.evolve(wanted, id=created.id)
    assert created in await all_trunks(sip)


async def test_an_outbound_trunk_is_listed_as_it_was_created(sip: Adapters, number: str) -> None:
    created = await sip.trunks.create(outbound(number))

    assert created == attrs.evolve(outbound(number), id=created.id)
    assert created in await all_trunks(sip)


async def test_the_same_outbound_trunk_twice_is_two_trunks(sip: Adapters, number: str) -> None:
    first = await sip.trunks.create(outbound(number))
    second = await sip.trunks.create(outbound(number))

    assert first.id != second.id


async def test_an_inbound_trunk_for_a_number_that_another_has_is_refused(
    sip: Adapters, number: str
) -> None:
    await sip.trunks.create(inbound(number))

    with pytest.raises(LiveKitRefused, match="Conflicting inbound SIP Trunks"):
        await sip.trunks.create(inbound(number, auth_username="a", auth_password="b"))


async def test_two_inbound_trunks_share_a_number_if_their_callers_differ(
    sip: Adapters, number: str
) -> None:
    await sip.trunks.create(inbound(number))
    await sip.trunks.create(inbound(number, allowed_numbers=("+15105550100",)))

    found = [trunk for trunk in await all_trunks(sip) if number in trunk.numbers]
    assert len(found) == 2
    assert not found[0].conflicts_with(found[1])


async def test_numbers_are_shown_in_one_form(url: str, sip: Adapters, number: str) -> None:
    spaced = f"{number[:2]} ({number[2:5]}) {number[5:]}"
    async with LiveKitAPI(url, API_KEY, API_SECRET, failover=False) as lkapi:
        info = await lkapi.sip.create_inbound_trunk(
            CreateSIPInboundTrunkRequest(trunk=SIPInboundTrunkInfo(numbers=[spaced]))
        )

    [found] = [trunk for trunk in await all_trunks(sip) if trunk.id == info.sip_trunk_id]
    assert found.numbers == (number,)


async def test_a_deleted_trunk_is_listed_no_more_and_deleting_again_is_a_success(
    sip: Adapters, number: str
) -> None:
    for wanted in (inbound(number), outbound(number)):
        trunk = await sip.trunks.create(wanted)
        await sip.trunks.delete(trunk.id)
        await sip.trunks.delete(trunk.id)

        assert trunk not in await all_trunks(sip)


@pytest.mark.parametrize("kind", list(RuleKind))
async def test_a_rule_is_listed_as_it_was_created(
    sip: Adapters, number: str, kind: RuleKind
) -> None:
    trunk = await sip.trunks.create(inbound(number))
    wanted = attrs.evolve(
        rule(trunk.id, kind=kind), pin="1234", numbers=(number,), caller_numbers=("+15105550100",)
    )

    created = await sip.rules.create(wanted)

    assert created.id.startswith("SDR_")
    assert created == attrs.evolve(wanted, id=created.id)
    assert created in await all_rules(sip)


async def test_a_second_rule_for_the_same_calls_is_refused(sip: Adapters, number: str) -> None:
    trunk = await sip.trunks.create(inbound(number))
    first = await sip.rules.create(rule(trunk.id))

    with pytest.raises(LiveKitRefused, match="already exists in dispatch rule"):
        await sip.rules.create(rule(trunk.id, kind=RuleKind.CALLEE))

    assert first.conflicts_with(rule(trunk.id, kind=RuleKind.CALLEE))


async def test_a_rule_shows_the_agents_that_it_dispatches_itself(
    url: str, sip: Adapters, number: str
) -> None:
    trunk = await sip.trunks.create(inbound(number))
    wanted = SIPDispatchRuleInfo(
        rule=SIPDispatchRule(dispatch_rule_callee=SIPDispatchRuleCallee(room_prefix="n-")),
        trunk_ids=[trunk.id],
        room_config=RoomConfiguration(agents=[RoomAgentDispatch(agent_name="agent-a")]),
    )
    async with LiveKitAPI(url, API_KEY, API_SECRET, failover=False) as lkapi:
        info = await lkapi.sip.create_dispatch_rule(
            CreateSIPDispatchRuleRequest(dispatch_rule=wanted)
        )

    [found] = [each for each in await all_rules(sip) if each.id == info.sip_dispatch_rule_id]
    assert found.agent_names == ("agent-a",)
    assert (found.kind, found.room) == (RuleKind.CALLEE, "n-")


async def test_a_deleted_rule_is_listed_no_more_and_deleting_again_is_a_success(
    sip: Adapters, number: str
) -> None:
    trunk = await sip.trunks.create(inbound(number))
    created = await sip.rules.create(rule(trunk.id))

    await sip.rules.delete(created.id)
    await sip.rules.delete(created.id)

    assert created not in await all_rules(sip)


async def test_wrong_credentials_are_refused_and_no_message_has_a_password(
    url: str, number: str
) -> None:
    async with LiveKitClient(url, API_KEY, "other-secret-0123456789-0123456789") as client:
        strangers = Adapters.over(client)
        for attempt in (
            strangers.trunks.page(None, "", 1),
            strangers.trunks.create(outbound(number)),
            strangers.trunks.delete("ST_1"),
            strangers.rules.page("", 1),
            strangers.rules.create(rule("ST_1")),
            strangers.rules.delete("SDR_1"),
        ):
            with pytest.raises(LiveKitRefusesAll, match="LIVEKIT_API_SECRET") as info:
                await attempt
            assert "a-password" not in str(info.value)


@pytest.fixture(params=["simulator", "livekit-server"])
async def without_sip(request: pytest.FixtureRequest) -> AsyncIterator[Adapters]:
    """A server without Redis."""
    if request.param == "livekit-server":
        server: LiveKitServer = request.getfixturevalue("real_server")
        async with LiveKitClient(server.url, API_KEY, API_SECRET) as client:
            yield Adapters.over(client)
        return
    async with (
        Simulator(API_KEY, API_SECRET, sip=False) as simulator,
        LiveKitClient(simulator.url, API_KEY, API_SECRET) as client,
    ):
        yield Adapters.over(client)


async def test_a_server_without_redis_says_so_in_a_sentence(
    without_sip: Adapters, number: str
) -> None:
    for attempt in (
        without_sip.trunks.page(None, "", 1),
        without_sip.trunks.create(inbound(number)),
        without_sip.trunks.delete("ST_1"),
        without_sip.rules.page("", 1),
        without_sip.rules.create(rule()),
        without_sip.rules.delete("SDR_1"),
    ):
        with pytest.raises(LiveKitWithoutSip, match="runs without Redis"):
            await attempt


def test_a_trunk_and_a_rule_show_no_secret() -> None:
    secret = attrs.evolve(rule(), pin="4711")

    assert "a-password" not in repr(outbound("+15105550100"))
    assert "4711" not in repr(secret)
