"""Which rooms and trunks are none of ours, by ``ROOM_IGNORE`` and ``TRUNK_IGNORE``."""

from __future__ import annotations

import attrs
import pytest

from domain.reconciliation.event_relevance import EventRelevance
from domain.reconciliation.room_selection import RoomSelection
from domain.rooms.sip_leg import SipLeg
from domain.sessions.session_status import SessionStatus
from tests.unit.worlds.fakes import NOON
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import ROOM

SELECTION = RoomSelection(
    ignored_rooms=["consult-*", "lobby", "desk-?"], ignored_trunks=["ST_other", "ST_x[12]"]
)


def leg(room_name: str = ROOM, trunk_id: str | None = "ST_ours") -> SipLeg:
    return SipLeg(
        room_name=room_name,
        room_sid="RM_1",
        participant_sid="PA_1",
        participant_identity="sip_1",
        joined_at=NOON,
        trunk_id=trunk_id,
    )


@pytest.mark.parametrize(
    ("room_name", "ignored"),
    [
        ("consult-1", True),
        ("consult-", True),
        ("lobby", True),
        ("desk-1", True),
        ("desk-12", False),
        ("lobby-1", False),
        ("my-consult-1", False),
        ("Lobby", False),  # LiveKit tells capitals apart
        ("room-1", False),
    ],
)
def test_rooms_are_ignored_by_name_and_pattern(
    room_name: str,
    ignored: bool,  # noqa: FBT001
) -> None:
    assert SELECTION.ignores_room(room_name) is ignored
    assert SELECTION.ignores_call(leg(room_name)) is ignored


@pytest.mark.parametrize(
    ("trunk_id", "ignored"),
    [
        ("ST_other", True),
        ("ST_x1", True),
        ("ST_x3", False),
        ("st_other", False),
        ("ST_ours", False),
        (None, False),
    ],
)
def test_calls_are_ignored_by_trunk(
    trunk_id: str | None,
    ignored: bool,  # noqa: FBT001
) -> None:
    assert SELECTION.ignores_call(leg(trunk_id=trunk_id)) is ignored


def test_by_default_nothing_is_ignored() -> None:
    assert not RoomSelection().ignores_room("")
    assert not RoomSelection().ignores_call(leg(trunk_id=None))
    assert not RoomSelection(ignored_trunks=["*"]).ignores_call(leg(trunk_id=None))


# What follows


def selecting(*, any_join: bool = False, trunk_ignored: bool = False) -> PhoneWorld:
    """A service to which room-1, or every trunk, is none of ours."""
    world = PhoneWorld(dispatch_on_any_join=any_join)
    if trunk_ignored:
        selection = RoomSelection(ignored_trunks=["ST_*"])
    else:
        selection = RoomSelection(ignored_rooms=[ROOM])
    world.handle_room_event = attrs.evolve(
        world.handle_room_event, relevance=EventRelevance(selection=selection)
    )
    world.process_entry = attrs.evolve(
        world.process_entry, handle_room_event=world.handle_room_event
    )
    world.reconcile.selection = selection
    look = attrs.evolve(world.reconcile.check_room, selection=selection)
    world.reconcile.check_room = look
    return world


def calls_from_trunk(world: PhoneWorld, room_name: str = ROOM) -> None:
    """A caller joins by an ignored trunk."""
    joined = world.joins(room_name=room_name)
    people = world.livekit.open[room_name].people
    by_trunk = attrs.evolve(joined, trunk_id="ST_1")
    people[joined.participant_identity] = attrs.evolve(
        people[joined.participant_identity], leg=by_trunk
    )
    event = world.reader.events[-1]
    world.reader.events[-1] = attrs.evolve(event, participant=people[joined.participant_identity])


@pytest.mark.parametrize("trunk_ignored", [False, True])
async def test_an_ignored_caller_is_no_call_and_gets_no_agent(
    trunk_ignored: bool,  # noqa: FBT001
) -> None:
    world = selecting(trunk_ignored=trunk_ignored)
    calls_from_trunk(world)
    await world.hears_all()
    await world.goes_on(3)
    world.leaves()
    await world.hears_all()
    await world.goes_on(3)
    assert world.storage.calls == []
    assert world.storage.stored == {}
    assert world.livekit.count("create") == 0


async def test_other_rooms_are_served_as_ever() -> None:
    world = selecting()
    calls_from_trunk(world, "room-2")
    await world.goes_on()
    assert len(world.storage.calls) == 1
    assert world.livekit.count("create") == 1


async def test_an_ignored_room_is_not_looked_into() -> None:
    world = selecting()
    world.user_joins()
    [done] = await world.goes_on()
    assert (done.rooms, done.examined) == (0, 0)


async def test_nobody_who_joins_an_ignored_room_gets_an_agent_for_debugging() -> None:
    world = selecting(any_join=True)
    world.user_joins()
    world.user_joins(room_name="room-2")
    await world.hears_all()
    await world.ledger.settled()
    assert world.dispatches() == []
    assert len(world.dispatches("room-2")) == 1


async def test_a_session_that_was_asked_for_in_an_ignored_room_is_cared_for() -> None:
    world = selecting()
    await world.start()
    world.user_joins()
    await world.goes_on(2)
    world.agents_join()
    await world.hears_all()
    assert world.session().status is SessionStatus.ACTIVE
    world.livekit.agents_leave(ROOM)
    await world.goes_on(2)
    assert len(world.livekit.expected(ROOM)) == 1, "a lost agent is replaced"
    world.closes()
    await world.hears_all()
    assert not world.session().is_live


async def test_a_late_agent_of_a_session_in_an_ignored_room_is_removed() -> None:
    world = selecting()
    await world.start()
    await world.end()
    world.agent_joins("agent-late")
    await world.hears_all()
    assert ROOM not in world.livekit.open


async def test_a_call_of_a_room_that_is_ignored_since_a_restart_ends_with_its_room() -> None:
    world = selecting()
    await world.record_call_fact(world.joins())
    await world.goes_on(5)
    assert world.call(world.stays[0]).is_live
    world.closes()
    done = await world.goes_on(2)
    assert not world.call(world.stays[0]).is_live
    assert all(one.held is None for one in done)
