"""What the simulator does beyond the API: workers, participants and the routes that drive it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from livekit.api import (
    ListParticipantsRequest,
    ListRoomsRequest,
    LiveKitAPI,
    RoomParticipantIdentity,
    UpdateParticipantRequest,
)
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from adapters.livekit.client import LiveKitClient
from domain.rooms.room import Dispatch, JobStatus, Participant, ParticipantKind, Room
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitUncertain, LiveKitUnreachable
from entrypoints.simulator.server import Simulator
from tests.contract.livekit.conftest import Adapters, until
from tests.livekit_server import API_KEY, API_SECRET
from tests.simulator import running_simulator

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


async def there(adapters: Adapters) -> list[Participant]:
    """Who is in the room."""
    return await adapters.rooms.participants(Room(name=str(ROOM), sid="RM_1"))


async def participants(adapters: Adapters, count: int) -> list[Participant]:
    """Who is in the room once it has ``count`` participants."""

    async def complete() -> bool:
        return len(await there(adapters)) == count

    await until(complete)
    return await there(adapters)


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


async def test_a_dispatch_is_listed_with_its_jobs(simulator: Simulator, adapters: Adapters) -> None:
    simulator.workers["agent-a"] = 0

    await adapters.dispatcher.create(ROOM, "agent-a", "{}")

    (agent,) = await participants(adapters, 1)
    (job,) = (await listed(adapters)).jobs
    assert (job.id[:3], job.status) == ("AJ_", JobStatus.RUNNING)
    assert job.agent_identity == agent.identity
    assert job.started_at is not None
    assert agent.joined_at is not None
    assert abs(job.started_at - agent.joined_at) < timedelta(seconds=2)


async def test_a_participant_is_listed_with_its_stay(
    simulator: Simulator, adapters: Adapters
) -> None:
    told = simulator.world.join(str(ROOM), "user-1")

    (user,) = await there(adapters)

    assert (user.identity, user.sid) == ("user-1", told.sid)
    assert user.joined_at == datetime.fromtimestamp(told.joined_at_ms / 1000, UTC)


async def test_a_participant_that_is_removed_leaves(
    simulator: Simulator, adapters: Adapters
) -> None:
    simulator.world.join(str(ROOM), "user-1")
    simulator.world.join(str(ROOM), "user-2")

    await adapters.rooms.remove_participant(ROOM, "user-1")

    assert [user.identity for user in await there(adapters)] == ["user-2"]


async def test_a_worker_that_registers_later_takes_nothing_up(
    simulator: Simulator, adapters: Adapters
) -> None:
    await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    simulator.workers["agent-a"] = 0
    await asyncio.sleep(0.05)

    assert (await listed(adapters)).agents == ()
    assert await there(adapters) == []


async def test_deleting_the_dispatch_removes_its_agent(
    simulator: Simulator, adapters: Adapters
) -> None:
    simulator.workers["agent-a"] = 0
    dispatch = await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    await participants(adapters, 1)

    await adapters.dispatcher.delete(ROOM, dispatch)

    assert await participants(adapters, 0) == []


async def test_a_dispatch_deleted_before_its_agent_has_joined_brings_none(
    simulator: Simulator, adapters: Adapters
) -> None:
    simulator.workers["agent-a"] = 30
    dispatch = await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    await adapters.dispatcher.delete(ROOM, dispatch)
    await asyncio.sleep(0.08)

    assert await there(adapters) == []


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

    assert await there(adapters) == []
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
        (ParticipantInfo.Kind.CONNECTOR, ParticipantKind.CONNECTOR),
        (ParticipantInfo.Kind.BRIDGE, ParticipantKind.BRIDGE),
    ],
)
async def test_participants_are_told_apart_by_kind(
    simulator: Simulator,
    adapters: Adapters,
    kind: ParticipantInfo.Kind,
    expected: ParticipantKind,
) -> None:
    simulator.world.join(str(ROOM), "somebody", kind=kind)

    (participant,) = await there(adapters)
    assert (participant.identity, participant.kind) == ("somebody", expected)


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


async def test_the_state_of_one_room_leaves_the_others_out(
    simulator: Simulator, control: aiohttp.ClientSession
) -> None:
    simulator.world.join("room-1", "user-1")
    simulator.world.join("room +2", "user-2")

    async def names(room: str) -> list[str]:
        state = await (await control.get("state", params={"room": room})).json()
        return [entry["name"] for entry in state["rooms"]]

    assert await names("room +2") == ["room +2"]
    assert await names("room-3") == []


async def test_a_room_is_closed_by_its_route_with_the_reason_that_is_given(
    simulator: Simulator, control: aiohttp.ClientSession
) -> None:
    by_default = simulator.world.join("room-1", "user-1")
    as_asked = simulator.world.join("room-2", "user-2")

    assert (await control.delete("rooms/room-1")).status == 204
    assert (await control.delete("rooms/room-2?reason=SERVER_SHUTDOWN")).status == 204

    assert by_default.disconnect_reason == DisconnectReason.ROOM_CLOSED
    assert as_asked.disconnect_reason == DisconnectReason.SERVER_SHUTDOWN
    assert (await control.delete("rooms/room-1")).status == 404
    assert (await control.delete("rooms/room-1?reason=unheard-of")).status == 400


async def test_attributes_are_merged_by_their_route_and_no_webhook_tells_of_it(
    simulator: Simulator, control: aiohttp.ClientSession
) -> None:
    info = simulator.world.join("room-1", "sip_1", attributes={"sip.callStatus": "ringing"})
    told = len(simulator.webhooks.deliveries)
    body = {"attributes": {"sip.callStatus": "active", "sip.callID": "SCL_1"}}

    response = await control.patch("rooms/room-1/participants/sip_1", json=body)

    assert response.status == 204
    assert dict(info.attributes) == body["attributes"]
    assert len(simulator.webhooks.deliveries) == told
    assert (await control.patch("rooms/room-1/participants/sip_2", json=body)).status == 404
    for nonsense in ({}, {"attributes": {"sip.callID": 1}}, {"attributes": 1}):
        route = "rooms/room-1/participants/sip_1"
        assert (await control.patch(route, json=nonsense)).status == 400
    assert dict(info.attributes) == body["attributes"]


async def test_five_thousand_rooms_are_made_at_once_and_listed(
    simulator: Simulator, control: aiohttp.ClientSession
) -> None:
    phone = {"identity": "sip_1", "kind": "SIP", "attributes": {"sip.callStatus": "active"}}
    rooms = [{"name": f"room-{number}", "participants": [phone]} for number in range(5000)]
    assert (await control.post("rooms", json={"rooms": rooms})).status == 204

    async with LiveKitAPI(simulator.url, API_KEY, API_SECRET, failover=False) as lkapi:
        listed = await lkapi.room.list_rooms(ListRoomsRequest())
        there = await lkapi.room.list_participants(ListParticipantsRequest(room="room-4999"))

    assert {room.name for room in listed.rooms} == {room["name"] for room in rooms}
    assert {room.num_participants for room in listed.rooms} == {1}
    assert [(who.identity, who.kind) for who in there.participants] == [
        ("sip_1", ParticipantInfo.Kind.SIP)
    ]


async def test_the_most_agents_of_a_name_that_a_room_had_at_once_outlive_it(
    simulator: Simulator, adapters: Adapters, control: aiohttp.ClientSession
) -> None:
    def join(room: str, identity: str, agent: str) -> None:
        kind = ParticipantInfo.Kind.AGENT
        simulator.world.join(room, identity, kind=kind, attributes={"lk.agent.name": agent})

    await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    dispatch = await adapters.dispatcher.create(ROOM, "agent-b", "{}")
    await adapters.dispatcher.delete(ROOM, dispatch)
    join("room-1", "one", "agent-a")
    simulator.world.leave("room-1", "one")
    join("room-1", "two", "agent-a")
    join("room-1", "of another name", "agent-b")
    join("room-2", "one", "agent-a")
    join("room-2", "two", "agent-a")
    sids = [room.info.sid for room in simulator.world.rooms.values()]
    before = await (await control.get("agents")).json()
    simulator.world.close_room("room-1", DisconnectReason.ROOM_CLOSED)
    simulator.world.close_room("room-2", DisconnectReason.ROOM_CLOSED)
    after = await (await control.get("agents")).json()

    assert before["most"] == after["most"] == dict(zip(sids, [1, 2], strict=True))
    (episode,) = after["together"].pop(sids[1])
    assert after["together"] == {}
    assert episode["room"] == "room-2"
    assert before["together"] == {sids[1]: [episode | {"until": None}]}
    assert episode["since"] <= episode["until"] <= time.monotonic()
    assert [before["dispatches"][sid] for sid in sids] == [
        {"live": 1, "created": 2},
        {"live": 0, "created": 0},
    ]
    assert [after["dispatches"][sid]["live"] for sid in sids] == [0, 0]


def test_a_simulator_of_its_own_is_driven_by_a_test() -> None:
    with running_simulator(webhook_urls=["http://127.0.0.1:1/hook"]) as simulator:
        simulator.chaos(lose=1)
        simulator.make_rooms([{"name": "room-1"}, {"name": "room-2"}])
        simulator.join("room-1", "sip_1", attributes={"sip.callStatus": "ringing"})
        simulator.set_attributes("room-1", "sip_1", {"sip.callStatus": "active"})
        room = simulator.room("room-1")
        simulator.close_room("room-1", reason="ROOM_DELETED")

        assert room is not None
        (phone,) = room["participants"]
        assert (phone["kind"], phone["attributes"]) == ("SIP", {"sip.callStatus": "active"})
        assert simulator.room("room-1") is None
        assert simulator.agents_record()["most"][room["sid"]] == 0
        record = simulator.webhooks()
        assert record["pending"] == 0
        assert [event["lost"] for event in record["events"]] == [True] * 5
    with running_simulator(port=simulator.port) as again:
        assert again.room("room-2") is None


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


async def test_a_restart_forgets_every_room_and_no_webhook_tells_of_it(
    simulator: Simulator, control: aiohttp.ClientSession
) -> None:
    simulator.world.join("room-1", "user-1")
    told = len(simulator.webhooks.deliveries)

    assert (await control.post("restart", json={"seconds": 0.05})).status == 204

    assert simulator.world.rooms == {}
    assert len(simulator.webhooks.deliveries) == told


async def test_a_request_that_a_restart_cuts_off_takes_no_effect(simulator: Simulator) -> None:
    """Its sender learns nothing and tries again: that would be a second stay of one caller."""
    async with asyncio.TaskGroup() as group:
        opening = [group.create_task(_connection(simulator)) for _ in range(2)]
    (_, restart), (answer, join) = (task.result() for task in opening)

    restart.write(_post("restart", b'{"seconds": 0.05}'))
    join.write(_post("rooms/room-1/participants", b'{"identity": "sip_1", "kind": "SIP"}'))

    assert await answer.read() == b""
    assert simulator.world.rooms == {}
    restart.close()
    join.close()


async def _connection(simulator: Simulator) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has been answered once, so that the simulator waits for more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.listener.port)
    writer.write(_post("rooms", b'{"rooms": []}'))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    return reader, writer


def _post(route: str, body: bytes) -> bytes:
    return (
        f"POST /simulator/{route} HTTP/1.1\r\nHost: simulator\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


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
        ("restart", {}),
        ("rooms", {}),
        ("rooms", {"rooms": 1}),
        ("rooms", {"rooms": ["room-1"]}),
        ("rooms", {"rooms": [{"name": "room-1"}, {"name": 2}]}),
        ("rooms", {"rooms": [{"name": "room-1", "participants": [{}]}]}),
        ("rooms", {"rooms": [{"name": "room-1", "participants": ["sip_1"]}]}),
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
