"""The ports' promises, kept by ``adapters.livekit`` against the simulator and the real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from livekit.api import CreateRoomRequest, LiveKitAPI

from adapters.livekit.client import LiveKitClient
from domain.rooms.room import Dispatch, Room
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitRefused
from tests.contract.livekit.conftest import Adapters, LiveKit, until
from tests.livekit_server import API_KEY, API_SECRET

METADATA_LIMIT = 512 * 1024


@pytest.fixture(params=["other-secret-0123456789-0123456789", "key"])
async def strangers(request: pytest.FixtureRequest, livekit: LiveKit) -> AsyncIterator[Adapters]:
    """The ports with credentials that the server does not know."""
    wrong_key = request.param == "key"
    key, secret = ("otherkey", API_SECRET) if wrong_key else (API_KEY, request.param)
    async with LiveKitClient(livekit.url, key, secret) as client:
        yield Adapters.over(client)


async def test_creating_a_dispatch_makes_the_room(adapters: Adapters, room_name: RoomName) -> None:
    assert await adapters.rooms.find(room_name) is None

    dispatch = await adapters.dispatcher.create(room_name, "agent-a", '{"session_id": "s-1"}')

    room = await adapters.rooms.find(room_name)
    assert room is not None
    assert (room.name, room.sid[:3]) == (str(room_name), "RM_")
    assert dispatch.startswith("AD_")


async def test_a_dispatch_is_listed_as_it_was_created(
    adapters: Adapters, room_name: RoomName
) -> None:
    created = await adapters.dispatcher.create(room_name, "agent-a", '{"session_id": "s-1"}')

    listed = await adapters.dispatcher.list(room_name)
    assert Dispatch(created, "agent-a", "s-1") in listed


async def test_the_same_dispatch_twice_is_two_dispatches(
    adapters: Adapters, room_name: RoomName
) -> None:
    first = await adapters.dispatcher.create(room_name, "agent-a", "{}")
    second = await adapters.dispatcher.create(room_name, "agent-a", "{}")

    ids = {dispatch.id for dispatch in await adapters.dispatcher.list(room_name)}
    assert {first, second} < ids


async def test_the_servers_own_dispatch_without_an_agent_name_is_listed_too(
    adapters: Adapters, room_name: RoomName
) -> None:
    await adapters.dispatcher.create(room_name, "agent-a", "{}")

    names = sorted(dispatch.agent_name for dispatch in await adapters.dispatcher.list(room_name))
    assert names == ["", "agent-a"]


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "not json",
        "null",
        '["session_id"]',
        '"session_id"',
        "{}",
        '{"session_id": 7}',
        "[" * 5000,
    ],
)
async def test_a_dispatch_with_other_metadata_has_no_session_id(
    adapters: Adapters, room_name: RoomName, metadata: str
) -> None:
    await adapters.dispatcher.create(room_name, "agent-a", metadata)

    listed = await adapters.dispatcher.list(room_name)
    assert [dispatch.session_id for dispatch in listed] == [None, None]


async def test_metadata_up_to_the_servers_limit_is_taken(
    adapters: Adapters, room_name: RoomName
) -> None:
    dispatch = await adapters.dispatcher.create(room_name, "agent-a", "x" * METADATA_LIMIT)

    assert dispatch in {entry.id for entry in await adapters.dispatcher.list(room_name)}


async def test_metadata_over_the_servers_limit_is_refused(
    adapters: Adapters, room_name: RoomName
) -> None:
    with pytest.raises(LiveKitRefused, match=r"metadata size exceeds limits \(invalid_argument\)"):
        await adapters.dispatcher.create(room_name, "agent-a", "x" * (METADATA_LIMIT + 1))

    assert await adapters.rooms.find(room_name) is None


async def test_every_open_room_is_listed(adapters: Adapters, room_name: RoomName) -> None:
    assert str(room_name) not in {room.name for room in await adapters.rooms.all()}
    await adapters.dispatcher.create(room_name, "agent-a", "{}")

    listed = {room.name: room for room in await adapters.rooms.all()}

    assert listed[str(room_name)] == await adapters.rooms.find(room_name)
    assert listed[str(room_name)].people == 0


async def test_a_dispatch_that_no_worker_takes_has_no_agents(
    adapters: Adapters, room_name: RoomName
) -> None:
    created = await adapters.dispatcher.create(room_name, "agent-a", "{}")

    listed = {dispatch.id: dispatch for dispatch in await adapters.dispatcher.list(room_name)}
    assert listed[created].agents == ()
    assert await adapters.rooms.participants(Room(str(room_name), "")) == []


async def test_a_deleted_dispatch_is_listed_no_more(
    adapters: Adapters, room_name: RoomName
) -> None:
    dispatch = await adapters.dispatcher.create(room_name, "agent-a", "{}")

    await adapters.dispatcher.delete(room_name, dispatch)

    names = [dispatch.agent_name for dispatch in await adapters.dispatcher.list(room_name)]
    assert names == [""]


async def test_deleting_a_dispatch_twice_is_a_success(
    adapters: Adapters, room_name: RoomName
) -> None:
    dispatch = await adapters.dispatcher.create(room_name, "agent-a", "{}")

    await adapters.dispatcher.delete(room_name, dispatch)
    await adapters.dispatcher.delete(room_name, dispatch)


async def test_an_unknown_room_is_empty_and_its_dispatches_are_not_asked_for(
    livekit: LiveKit, adapters: Adapters, room_name: RoomName
) -> None:
    assert await adapters.rooms.find(room_name) is None
    assert await adapters.rooms.participants(Room(str(room_name), "")) == []
    assert await adapters.dispatcher.list(room_name) == []
    await adapters.dispatcher.delete(room_name, "AD_unknown")

    assert await adapters.rooms.find(room_name) is None
    if livekit.simulator:  # LiveKit would take 3 s over each
        assert not {"ListDispatch", "DeleteDispatch"} & livekit.simulator.requests.keys()


async def test_a_room_name_that_only_begins_alike_is_another_room(
    adapters: Adapters, room_name: RoomName
) -> None:
    await adapters.dispatcher.create(room_name, "agent-a", "{}")

    assert await adapters.rooms.find(RoomName(str(room_name)[:-1])) is None


async def test_deleting_a_room_ends_it(adapters: Adapters, room_name: RoomName) -> None:
    await adapters.dispatcher.create(room_name, "agent-a", "{}")

    assert await adapters.rooms.delete(room_name) is True

    assert await adapters.rooms.find(room_name) is None
    assert await adapters.dispatcher.list(room_name) == []


async def test_deleting_a_room_again_finds_none(adapters: Adapters, room_name: RoomName) -> None:
    await adapters.dispatcher.create(room_name, "agent-a", "{}")
    await adapters.rooms.delete(room_name)

    assert await adapters.rooms.delete(room_name) is False


async def test_a_room_made_again_has_another_sid_and_none_of_the_dispatches(
    adapters: Adapters, room_name: RoomName
) -> None:
    first_dispatch = await adapters.dispatcher.create(room_name, "agent-a", "{}")
    first = await adapters.rooms.find(room_name)
    await adapters.rooms.delete(room_name)

    second_dispatch = await adapters.dispatcher.create(room_name, "agent-a", "{}")
    second = await adapters.rooms.find(room_name)

    assert first is not None
    assert second is not None
    assert first.sid != second.sid
    ids = {dispatch.id for dispatch in await adapters.dispatcher.list(room_name)}
    assert second_dispatch in ids
    assert first_dispatch not in ids


@pytest.mark.slow
async def test_a_room_closes_by_itself_when_it_has_been_empty_for_long_enough(
    livekit: LiveKit, adapters: Adapters, room_name: RoomName
) -> None:
    async with LiveKitAPI(livekit.url, API_KEY, API_SECRET, failover=False) as lkapi:
        await lkapi.room.create_room(CreateRoomRequest(name=str(room_name), empty_timeout=1))
    assert await adapters.rooms.find(room_name) is not None

    async def closed() -> bool:
        return await adapters.rooms.find(room_name) is None

    await until(closed)


@pytest.mark.parametrize("room_exists", [True, False], ids=["a room", "no room"])
async def test_removing_a_participant_that_is_not_in_the_room_is_a_success(
    adapters: Adapters, room_name: RoomName, *, room_exists: bool
) -> None:
    if room_exists:
        await adapters.dispatcher.create(room_name, "agent-a", "{}")

    await adapters.rooms.remove_participant(room_name, "agent-AJ_unknown")

    assert (await adapters.rooms.find(room_name) is not None) is room_exists


async def test_the_probe_is_content_with_a_server_that_takes_the_key(adapters: Adapters) -> None:
    await adapters.probe.check()


async def test_wrong_credentials_are_refused_and_the_message_names_the_settings(
    strangers: Adapters, adapters: Adapters, room_name: RoomName
) -> None:
    for attempt in (
        strangers.probe.check(),
        strangers.rooms.find(room_name),
        strangers.rooms.all(),
        strangers.rooms.participants(Room(str(room_name), "")),
        strangers.rooms.remove_participant(room_name, "user-1"),
        strangers.rooms.delete(room_name),
        strangers.dispatcher.create(room_name, "agent-a", "{}"),
        strangers.dispatcher.list(room_name),
        strangers.dispatcher.delete(room_name, "AD_unknown"),
    ):
        with pytest.raises(LiveKitRefused, match="LIVEKIT_API_KEY and LIVEKIT_API_SECRET") as info:
            await attempt
        # The real server's answer repeats the token.
        assert "eyJ" not in json.dumps([str(info.value), info.value.details])
    assert await adapters.rooms.find(room_name) is None
