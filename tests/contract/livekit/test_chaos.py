"""What the simulator lets go wrong by chance: with its webhooks, and with requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.livekit.client import LiveKitClient
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitUncertain
from entrypoints.simulator.chaos import Chaos
from entrypoints.simulator.faults import FaultKind
from entrypoints.simulator.server import Simulator
from tests.contract.livekit.conftest import Adapters, until
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

    failures = [chaos.failure("ListRooms") for _ in range(200)]

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


# LiveKit and its workers --------------------------------------------------------------------------


async def test_lists_leave_out_a_share_of_rooms_and_participants(simulator: Simulator) -> None:
    for number in range(EVENTS):
        simulator.world.join("room-1", f"user-{number}")
    assert await order(simulator, leave_out=0.5, seed=1) == 204
    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        rooms = Adapters.over(client).rooms
        looks = [len(await rooms.all()) for _ in range(EVENTS)]
        assert await order(simulator) == 204
        (room,) = await rooms.all()
        assert await order(simulator, leave_out=0.5, seed=1) == 204
        people = await rooms.participants(room)

    assert set(looks) == {0, 1}
    assert 0 < len(people) < EVENTS


async def test_a_late_dispatch_takes_effect_after_its_caller_gave_up(simulator: Simulator) -> None:
    assert await order(simulator, late_dispatch=1, late_dispatch_seconds=0.4) == 204
    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        dispatcher = Adapters.over(client).dispatcher
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await dispatcher.create(RoomName("room-1"), "agent-a", "{}")
        assert "room-1" not in simulator.world.rooms

        async def is_made() -> bool:
            return "room-1" in simulator.world.rooms

        await until(is_made)


async def test_a_slow_agent_joins_after_its_job_was_listed(simulator: Simulator) -> None:
    simulator.workers["agent-a"] = 0
    assert await order(simulator, slow_join=1, slow_join_seconds=0.5, seed=1) == 204
    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        adapters = Adapters.over(client)
        await adapters.dispatcher.create(RoomName("room-1"), "agent-a", "{}")

        async def is_listed() -> bool:
            return any(one.agents for one in await adapters.dispatcher.list(RoomName("room-1")))

        await until(is_listed)
        assert not simulator.world.rooms["room-1"].participants
        await until(lambda: _has_agent(simulator))


async def test_a_job_is_listed_after_its_agent_joined(simulator: Simulator) -> None:
    simulator.workers["agent-a"] = 0
    assert await order(simulator, list_lag_seconds=0.5, seed=1) == 204
    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        adapters = Adapters.over(client)
        await adapters.dispatcher.create(RoomName("room-1"), "agent-a", "{}")
        await until(lambda: _has_agent(simulator))

        listed = await adapters.dispatcher.list(RoomName("room-1"))
        assert [one.agents for one in listed if one.agent_name == "agent-a"] == [()]

        async def is_listed() -> bool:
            return any(one.agents for one in await adapters.dispatcher.list(RoomName("room-1")))

        await until(is_listed)


async def test_a_deaf_agent_reopens_the_room_that_was_deleted(simulator: Simulator) -> None:
    simulator.workers["agent-a"] = 0
    chaos = {"slow_join": 1, "slow_join_seconds": 0.5, "deaf": 1, "seed": 1}
    assert await order(simulator, **chaos) == 204
    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        adapters = Adapters.over(client)
        await adapters.dispatcher.create(RoomName("room-1"), "agent-a", "{}")
        first = simulator.world.rooms["room-1"].info.sid
        await adapters.rooms.delete(RoomName("room-1"))

        await until(lambda: _has_agent(simulator))

    assert simulator.world.rooms["room-1"].info.sid != first


async def _has_agent(simulator: Simulator) -> bool:
    room = simulator.world.rooms.get("room-1")
    return room is not None and bool(room.participants)
