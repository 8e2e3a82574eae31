"""What the simulator lets go wrong by chance: with its webhooks, and with requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.livekit.client import LiveKitClient
from adapters.simulator.chaos import Chaos
from adapters.simulator.faults import FaultKind
from adapters.simulator.server import Simulator
from domain.errors import LiveKitUncertain
from domain.identifiers import RoomName
from tests.contract.livekit.conftest import Adapters
from tests.contract.livekit.webhook_inbox import Inbox, open_inbox, simulator_posting_to
from tests.livekit_server import API_KEY, API_SECRET

EVENTS = 40


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with open_inbox() as inbox:
        yield inbox


@pytest.fixture
async def simulator(inbox: Inbox) -> AsyncIterator[Simulator]:
    async with simulator_posting_to(inbox) as simulator:
        yield simulator


async def order(simulator: Simulator, **fields: object) -> int:
    """The status with which the control route answers to these fields."""
    async with aiohttp.ClientSession(simulator.url.replace("ws", "http")) as session:
        return (await session.put("/simulator/chaos", json=fields)).status


async def happened(simulator: Simulator) -> list[str]:
    """The ids of as many events in one room, once they are delivered."""
    for number in range(EVENTS - 1):
        simulator.world.join("room-1", f"user-{number}")
    await simulator.webhooks.delivered()
    return [delivery.id for delivery in simulator.webhooks.deliveries]


async def test_without_chaos_every_event_arrives_once_and_in_order(
    simulator: Simulator, inbox: Inbox
) -> None:
    sent = await happened(simulator)
    assert inbox.ids == sent
    assert len(inbox.ids) == EVENTS


async def test_a_share_of_the_events_is_lost_and_the_record_says_which(
    simulator: Simulator, inbox: Inbox
) -> None:
    assert await order(simulator, lose=0.3, seed=1) == 204

    await happened(simulator)

    deliveries = simulator.webhooks.deliveries
    assert inbox.ids == [delivery.id for delivery in deliveries if not delivery.lost]
    assert 0 < sum(delivery.lost for delivery in deliveries) < EVENTS
    assert all(
        (delivery.sent, delivery.acknowledged) == (int(not delivery.lost),) * 2
        for delivery in deliveries
    )


async def test_a_share_of_the_events_arrives_twice(simulator: Simulator, inbox: Inbox) -> None:
    assert await order(simulator, double=0.3, seed=1) == 204

    ids = await happened(simulator)

    assert list(dict.fromkeys(inbox.ids)) == ids
    assert set(Counter(inbox.ids).values()) == {1, 2}
    times = {delivery.id: delivery.acknowledged for delivery in simulator.webhooks.deliveries}
    assert times == Counter(inbox.ids)


async def test_delayed_copies_overtake_each_other(simulator: Simulator, inbox: Inbox) -> None:
    assert await order(simulator, double=1, delay_seconds=0.2, seed=1) == 204

    ids = await happened(simulator)

    assert Counter(inbox.ids) == dict.fromkeys(ids, 2)
    assert list(dict.fromkeys(inbox.ids)) != ids
    assert simulator.webhooks.pending == 0


async def test_a_delayed_copy_is_sent_again_and_given_up_like_any_other(
    simulator: Simulator, inbox: Inbox
) -> None:
    inbox.status = 503
    simulator.webhooks.chaos = Chaos(delay_seconds=0.01)

    simulator.world.join("room-1", "user-1")
    assert simulator.webhooks.pending == 2
    await simulator.webhooks.delivered()

    assert simulator.webhooks.pending == 0
    assert [(entry.sent, entry.acknowledged) for entry in simulator.webhooks.deliveries] == [
        (5, 0),
        (5, 0),
    ]


async def test_stopping_drops_the_delayed_copies(inbox: Inbox) -> None:
    async with Simulator(API_KEY, API_SECRET, webhook_urls=[inbox.url]) as simulator:
        simulator.webhooks.chaos = Chaos(delay_seconds=60)
        simulator.world.join("room-1", "user-1")

    assert inbox.ids == []
    assert simulator.webhooks.pending == 0


async def test_requests_take_effect_and_are_answered_by_an_error(simulator: Simulator) -> None:
    assert await order(simulator, fail_after_applying=1) == 204

    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        dispatcher = Adapters.over(client).dispatcher
        for number in range(10):
            with pytest.raises(LiveKitUncertain):
                await dispatcher.create(RoomName(f"room-{number}"), "agent-a", "{}")

    assert [record.dispatches for record in simulator.world.agent_records.values()] == [1] * 10


def test_a_failure_is_an_error_or_a_reset() -> None:
    chaos = Chaos(fail_after_applying=0.5, seed=1)

    failures = [chaos.failure() for _ in range(200)]

    kinds = Counter(failure and failure.kind for failure in failures)
    assert set(kinds) == {None, FaultKind.ERROR, FaultKind.RESET}
    assert min(kinds.values()) > 25
    assert all(failure.applied for failure in failures if failure)


def test_the_same_seed_brings_the_same_chaos() -> None:
    def course(seed: int) -> list[tuple[int, float]]:
        chaos = Chaos(lose=0.2, double=0.2, delay_seconds=5, seed=seed)
        return [(chaos.copies(), chaos.delay()) for _ in range(50)]

    assert course(7) == course(7)
    assert course(7) != course(8)


async def test_an_empty_order_ends_it(simulator: Simulator, inbox: Inbox) -> None:
    assert await order(simulator, lose=1, fail_after_applying=1) == 204
    assert await order(simulator) == 204

    ids = await happened(simulator)
    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        await Adapters.over(client).probe.check()

    assert inbox.ids == ids


@pytest.mark.parametrize(
    "fields",
    [
        {"lose": -0.1},
        {"double": 1.1},
        {"fail_after_applying": "often"},
        {"lose": float("nan")},
        {"delay_seconds": -1},
        {"delay_seconds": float("inf")},
        {"seed": "seed"},
        {"unknown": 1},
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(
    simulator: Simulator, fields: dict[str, object]
) -> None:
    assert await order(simulator, **fields) == 400
    assert simulator.webhooks.chaos == Chaos()
