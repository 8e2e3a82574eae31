"""Starting a session in a room where none is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from domain.rooms.dispatch import DispatchClaim
from domain.sessions.session_status import SessionStatus
from domain.shared.errors import InvalidInput, MetadataTooLarge, StorageUnavailable
from tests.unit.worlds.world import AGENT, ROOM, World


async def test_given_no_room_name_then_a_new_room_is_made_with_one_agent() -> None:
    world = World()
    started = await world.start(room_name=None)
    room_name = str(started.session.room_name)
    assert room_name.startswith("room-0000")
    assert len(world.dispatches(room_name)) == 1
    assert started.session.agent_dispatched


@pytest.mark.parametrize("blank", ["", "  ", "\t\n"])
async def test_given_a_blank_room_name_then_it_counts_as_none(blank: str) -> None:
    world = World()
    first = await world.start(room_name=blank)
    second = await world.start(room_name=blank)
    assert first.session.room_name != second.session.room_name
    assert first.session.id != second.session.id


async def test_given_a_room_name_then_the_agent_is_dispatched_there() -> None:
    world = World()
    started = await world.start(" user-7 ", f" {ROOM} ")
    (dispatch,) = world.dispatches(ROOM)
    assert dispatch.agent_name == AGENT
    assert dispatch.id == started.session.dispatch_id
    assert json.loads(dispatch.metadata)["session_id"] == str(started.session.id)


async def test_then_the_token_lets_that_identity_into_that_room_for_ten_minutes() -> None:
    started = await World().start(" user-7 ")
    assert started.token == f"user-7 may join {ROOM} for 600 s"
    assert str(started.identity) == "user-7"


async def test_then_the_ledger_has_what_the_caller_was_told() -> None:
    world = World()
    now = world.clock.now()
    started = await world.start("user-7")
    session = world.session()
    assert started.session == session
    assert session.status is SessionStatus.AGENT_DISPATCHED
    assert str(session.identity) == "user-7"
    assert (session.created_at, session.dispatched_at) == (now, now)
    assert session.claim == DispatchClaim()


async def test_then_the_session_and_its_claim_were_durable_before_livekit_heard() -> None:
    world = World()
    pause = world.livekit.pause("create")
    task = asyncio.create_task(world.start())
    await pause.reached.wait()
    assert world.session().status is SessionStatus.CREATED
    assert world.session().claim.is_held(world.clock.now())
    pause.resumed.set()
    await task


async def test_then_the_worker_gets_the_callers_configuration() -> None:
    world = World()
    await world.start(agent_config={"stt": "mine", "tenant": {"plan": "pro"}})
    metadata = json.loads(world.dispatches()[0].metadata)
    assert metadata["stt"] == "mine"
    assert metadata["tenant"] == {"plan": "pro"}
    assert metadata["realtime_voice"] == "sage"


async def test_given_different_rooms_then_they_do_not_meet() -> None:
    world = World()
    one = await world.start(room_name="one")
    two = await world.start(room_name="two")
    assert one.session.id != two.session.id
    assert [len(world.dispatches(name)) for name in ("one", "two")] == [1, 1]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"identity": ""}, "userIdentity"),
    ({"identity": "a b"}, "userIdentity"),
    ({"identity": None}, "userIdentity"),
    ({"room_name": "a/b"}, "roomName"),
    ({"room_name": 7}, "roomName"),
    ({"agent_config": {"realtime": 1}}, "agentConfig.realtime"),
    ({"agent_config": {"own": "\ud800"}}, "agentConfig"),
]


@pytest.mark.parametrize(("given", "field"), BAD, ids=ascii)
async def test_given_bad_input_then_nothing_is_stored_or_dispatched(
    given: dict[str, Any], field: str
) -> None:
    world = World()
    with pytest.raises(InvalidInput) as caught:
        await world.start(**given)
    assert caught.value.details["field"] == field
    assert world.storage.stored == {}
    assert world.livekit.calls == []


async def test_given_too_much_metadata_then_nothing_is_stored_or_dispatched() -> None:
    world = World()
    with pytest.raises(MetadataTooLarge):
        await world.start(agent_config={"own": "x" * 70_000})
    assert world.storage.stored == {}
    assert world.livekit.calls == []


async def test_given_no_ledger_then_no_agent_is_dispatched() -> None:
    world = World()
    world.storage.broken = True
    with pytest.raises(StorageUnavailable):
        await world.start()
    assert world.livekit.calls == []
