"""What the simulator does beyond the API: workers, participants and the routes that drive it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from livekit.api import LiveKitAPI, RoomParticipantIdentity, UpdateParticipantRequest
from livekit.protocol.models import ParticipantInfo

from adapters.livekit.client import LiveKitClient
from adapters.simulator.server import Simulator
from domain.errors import LiveKitUncertain, LiveKitUnreachable
from domain.identifiers import RoomName
from domain.room import Dispatch, Participant, ParticipantKind
from tests.contract.livekit.conftest import Adapters, until
from tests.livekit_server import API_KEY, API_SECRET

ROOM = RoomName("room-1")


@pytest.fixture
async def adapters(simulator: Simulator) -> AsyncIterator[Adapters]:
    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        yield Adapters.over(client)


@pytest.fixture
async def control(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    url = simulator.url.replace("ws", "http") + "/simulator/"
    async with aiohttp.ClientSession(url) as session:
        yield session


async def participants(adapters: Adapters, count: int) -> list[Participant]:
    """Who is in the room once it has ``count`` participants."""

    async def complete() -> bool:
        return len(await adapters.rooms.participants(ROOM)) == count

    await until(complete)
    return await adapters.rooms.participants(ROOM)


async def listed(adapters: Adapters) -> Dispatch:
    """The room's one dispatch of agent-a."""
    (dispatch,) = (
        entry for entry in await adapters.dispatcher.list(ROOM) if entry.agent_name == "agent-a"
    )
    return dispatch


async def test_a_registered_worker_takes_the_dispatch_and_its_agent_joins(
    simulator: Simulator, adapters: Adapters
) -> None:
    simulator.workers["agent-a"] = 10

    await adapters.dispatcher.create(ROOM, "agent-a", "{}")

    (agent,) = await participants(adapters, 1)
    assert agent.identity.startswith("agent-AJ_")
    assert (agent.kind, agent.agent_name) == (ParticipantKind.AGENT, "agent-a")
    assert (await listed(adapters)).agents == (agent.identity,)


async def test_a_worker_that_registers_later_takes_nothing_up(
    simulator: Simulator, adapters: Adapters
) -> None:
    await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    simulator.workers["agent-a"] = 0
    await asyncio.sleep(0.05)

    assert (await listed(adapters)).agents == ()
    assert await adapters.rooms.participants(ROOM) == []


async def test_deleting_the_dispatch_removes_its_agent(
    simulator: Simulator, adapters: Adapters
) -> None:
    simulator.workers["agent-a"] = 0
    dispatch = await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    await participants(adapters, 1)

    await adapters.dispatcher.delete(ROOM, dispatch.id)

    assert await participants(adapters, 0) == []


async def test_a_dispatch_deleted_before_its_agent_has_joined_brings_none(
    simulator: Simulator, adapters: Adapters
) -> None:
    simulator.workers["agent-a"] = 30
    dispatch = await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    await adapters.dispatcher.delete(ROOM, dispatch.id)
    await asyncio.sleep(0.08)

    assert await adapters.rooms.participants(ROOM) == []


async def test_an_agent_that_has_left_is_still_listed_with_its_dispatch(
    simulator: Simulator, adapters: Adapters
) -> None:
    simulator.workers["agent-a"] = 0
    await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    (agent,) = await participants(adapters, 1)

    async with LiveKitAPI(simulator.url, API_KEY, API_SECRET, failover=False) as lkapi:
        await lkapi.room.remove_participant(
            RoomParticipantIdentity(room=str(ROOM), identity=agent.identity)
        )

    assert await adapters.rooms.participants(ROOM) == []
    assert (await listed(adapters)).agents == (agent.identity,)


async def test_an_agent_does_not_join_a_room_that_was_deleted_meanwhile(
    simulator: Simulator, adapters: Adapters
) -> None:
    simulator.workers["agent-a"] = 30
    await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    await adapters.rooms.delete(ROOM)
    await asyncio.sleep(0.08)

    assert await adapters.rooms.find(ROOM) is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (ParticipantInfo.Kind.STANDARD, ParticipantKind.STANDARD),
        (ParticipantInfo.Kind.SIP, ParticipantKind.SIP),
        (ParticipantInfo.Kind.AGENT, ParticipantKind.AGENT),
        (ParticipantInfo.Kind.EGRESS, ParticipantKind.EGRESS),
        (ParticipantInfo.Kind.INGRESS, ParticipantKind.INGRESS),
        (ParticipantInfo.Kind.CONNECTOR, ParticipantKind.OTHER),
    ],
)
async def test_participants_are_told_apart_by_kind(
    simulator: Simulator,
    adapters: Adapters,
    kind: ParticipantInfo.Kind,
    expected: ParticipantKind,
) -> None:
    simulator.world.join(str(ROOM), "somebody", kind=kind)

    assert await adapters.rooms.participants(ROOM) == [Participant("somebody", expected)]


async def test_attributes_can_be_set_and_deleted(simulator: Simulator) -> None:
    simulator.world.join(str(ROOM), "sip_1", attributes={"sip.callStatus": "ringing", "gone": "1"})

    async with LiveKitAPI(simulator.url, API_KEY, API_SECRET, failover=False) as lkapi:
        info = await lkapi.room.update_participant(
            UpdateParticipantRequest(
                room=str(ROOM),
                identity="sip_1",
                attributes={"sip.callStatus": "active", "gone": ""},
            )
        )

    assert dict(info.attributes) == {"sip.callStatus": "active"}


async def test_another_process_drives_it_by_its_routes(
    simulator: Simulator, adapters: Adapters, control: aiohttp.ClientSession
) -> None:
    body = {"identity": "sip_1", "kind": "SIP", "attributes": {"sip.callStatus": "ringing"}}
    assert (await control.post("rooms/room-1/participants", json=body)).status == 201
    assert (await control.put("workers/agent-a", json={"joinAfterMs": 0})).status == 204
    await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    await participants(adapters, 2)

    state = await (await control.get("state")).json()
    (room,) = state["rooms"]
    assert {entry["identity"] for entry in room["participants"]} > {"sip_1"}
    assert {entry.get("agentName") for entry in room["dispatches"]} == {None, "agent-a"}
    assert state["workers"] == {"agent-a": 0}
    assert state["requests"]["CreateDispatch"] == 1

    gone = "rooms/room-1/participants/sip_1?reason=USER_REJECTED"
    assert (await control.delete(gone)).status == 204
    assert (await control.delete(gone)).status == 404
    assert (await control.delete("workers/agent-a")).status == 204
    assert (await control.delete("workers/agent-a")).status == 404


async def test_faults_are_ordered_used_up_and_cleared_by_the_routes(
    adapters: Adapters, control: aiohttp.ClientSession
) -> None:
    fault = {"method": "ListRooms", "kind": "error", "times": 2, "status": 500}
    assert (await control.post("faults", json=fault)).status == 204

    with pytest.raises(LiveKitUncertain):
        await adapters.probe.check()
    state = await (await control.get("state")).json()
    assert state["faults"] == [{**fault, "times": 1, "applied": False, "seconds": None}]

    assert (await control.delete("faults")).status == 204
    await adapters.probe.check()


async def test_an_outage_passes(simulator: Simulator, control: aiohttp.ClientSession) -> None:
    assert (await control.post("outage", json={"seconds": 0.3})).status == 204
    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        probe = Adapters.over(client).probe
        with pytest.raises(LiveKitUnreachable):
            await probe.check()

        async def works_again() -> bool:
            try:
                await probe.check()
            except LiveKitUnreachable:
                return False
            return True

        await until(works_again)


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("faults", {"kind": "unheard-of"}),
        ("faults", {"kind": "error", "status": 200}),
        ("faults", {"kind": "error", "times": 0}),
        ("faults", {"kind": "hang", "seconds": -1}),
        ("faults", {"kind": "hang", "unknown": 1}),
        ("faults", ["kind"]),
        ("outage", {}),
        ("rooms/room-1/participants", {}),
        ("rooms/room-1/participants", {"identity": 1}),
        ("rooms/room-1/participants", {"identity": "a", "kind": "unheard-of"}),
    ],
)
async def test_a_route_refuses_what_makes_no_sense(
    simulator: Simulator, control: aiohttp.ClientSession, route: str, body: object
) -> None:
    response = await control.post(route, json=body)

    assert response.status == 400
    assert (await response.json())["error"]
    assert simulator.world.rooms == {}
