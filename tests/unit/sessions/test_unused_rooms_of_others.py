"""An unused session has its room's name only: the room itself may be another's."""

from __future__ import annotations

import pytest

from domain.access.access import WORK, Access
from domain.sessions.end_session import EndSessionCommand
from domain.sessions.session_status import EndReason
from domain.sessions.start_session import StartSessionCommand
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import ROOM

BOB, CARL = (Access(tenant=name, scopes=WORK, sees_unowned=False) for name in ("bob", "carl"))


async def bob_waits(world: PhoneWorld) -> None:
    command = StartSessionCommand("user-1", ROOM, access=BOB, dispatch="on_join")
    await world.start_session(command)


@pytest.mark.parametrize("how", ["its webhook", "no webhook"])
async def test_a_routed_call_is_answered_by_its_numbers_agent_in_a_room_of_that_name(
    how: str,
) -> None:
    world = PhoneWorld()
    fields = {"name": "answers", "agentName": "worker-carl"}
    agent = await world.manage_agents.create(fields, Access(tenant="carl"))
    number = {"number": "+15105550123", "agentId": str(agent.id)}
    await world.manage_phone_numbers.create(number, Access(tenant="carl"))
    await bob_waits(world)
    unused = world.session()
    leg = world.joins()

    if how == "its webhook":
        await world.hears_all()
    else:
        await world.looks_twice()

    session = world.session()
    assert (session.tenant, session.agent_name) == ("carl", "worker-carl")
    assert world.call(leg).session_id == session.id
    assert [one.agent_name for one in world.dispatches()] == ["worker-carl"]
    assert world.storage.stored[unused.id].end_reason is EndReason.ABANDONED


@pytest.mark.parametrize(("others", "is_deleted"), [(["user-2"], False), ([], True)])
async def test_given_others_opened_the_room_then_an_end_leaves_it_alone(
    others: list[str],
    is_deleted: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    await bob_waits(world)
    for identity in ["user-1", *others]:
        world.user_joins(identity)

    await world.end_session(EndSessionCommand(ROOM, BOB))

    assert world.session().end_reason is EndReason.ENDED_BY_CALLER
    assert (ROOM not in world.livekit.open) is is_deleted


async def test_a_key_that_sees_everything_ends_the_room_as_before() -> None:
    world = PhoneWorld()
    await world.start(dispatch="on_join")
    world.user_joins("user-2")

    await world.end()

    assert ROOM not in world.livekit.open
