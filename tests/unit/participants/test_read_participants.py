"""Who is and was in a session's or a call's room, as a reader of the API learns it."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from typing import Any, Final

import attrs
import pytest

from adapters.livekit.event_reader import LiveKitEventReader
from adapters.memory.storage import MemoryStorage
from domain.access.access import SYSTEM, Access
from domain.calls.call import Call
from domain.calls.read_calls import ReadCalls
from domain.inbox.entry import InboxEntry
from domain.inbox.webhook_verifier import WebhookEvent
from domain.participants.gather_facts import GatherFacts
from domain.participants.place import FindPlace
from domain.participants.read_participants import Gap, Participants, ReadParticipants
from domain.participants.stay import FactSource
from domain.rooms.room import Participant, ParticipantKind
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.session import Session
from domain.sessions.session_status import SessionStatus
from domain.sessions.session_store import SessionStore
from domain.shared.errors import NotFound
from domain.shared.identifiers import RoomName
from tests.contract.storage.ledgers import NOON, access_of, new_call, new_session
from tests.unit.worlds.fake_livekit import FakeLiveKit, FakeRooms, Fault
from tests.unit.worlds.fakes import FakeClock

SECOND: Final = timedelta(seconds=1)
ROOM: Final = RoomName("support-7")
NUMBER: Final = "+15105550100"
_NUMBERS: Final = itertools.count()


@attrs.frozen
class World:
    """A ledger with an inbox, and a LiveKit."""

    memory: MemoryStorage = attrs.field(factory=MemoryStorage)
    livekit: FakeLiveKit = attrs.field(factory=FakeLiveKit)
    clock: FakeClock = attrs.field(factory=FakeClock)

    def read(self, most_events: int = 2_000) -> ReadParticipants:
        sessions = ReadSessions(SessionStore(self.memory.unit_of_work))
        calls = ReadCalls(self.memory.unit_of_work, str)
        reader = LiveKitEventReader("sip_", str)
        return ReadParticipants(
            find_place=FindPlace(sessions, calls),
            gather_facts=GatherFacts(self.memory.inbox, reader, most_events),
            unit_of_work=self.memory.unit_of_work,
            rooms=FakeRooms(self.livekit),
            clock=self.clock,
        )

    async def session(self, **changes: Any) -> Session:
        session = new_session(ROOM, **{"created_at": self.clock.now(), **changes})
        async with self.memory.unit_of_work() as work:
            await work.sessions.add(session)
            await work.commit()
        return session

    async def call(self, **changes: Any) -> Call:
        call = new_call(**{"room_name": ROOM.value, "room_sid": "RM_1", **changes})
        async with self.memory.unit_of_work() as work:
            await work.calls.add(call)
            await work.commit()
        return call

    async def receive(
        self, event: str, /, sid: str = "PA_1", room_sid: str = "RM_1", **participant: Any
    ) -> None:
        """Store a webhook of LiveKit's, a second after the last one."""
        self.clock.advance(SECOND)
        now = self.clock.now()
        body = {
            "event": event,
            "createdAt": str(int(now.timestamp())),
            "room": {"name": ROOM.value, "sid": room_sid},
            "participant": {"sid": sid, "identity": "ann", **participant},
        }
        event_id = f"EV_{next(_NUMBERS)}"
        stored = WebhookEvent(event_id, event, ROOM.value, room_sid, json.dumps(body).encode())
        entry = InboxEntry(event=stored, received_at=now, due_at=now)
        await self.memory.inbox.add(entry.handled(now))

    def lists(self, sid: str, identity: str = "ann") -> None:
        room = self.livekit.opens(ROOM.value)
        kind = ParticipantKind.STANDARD
        room.people[sid] = Participant(identity, kind, sid=sid, joined_at=NOON)


@pytest.fixture
def world() -> World:
    return World()


def shown(found: Participants) -> dict[str, datetime | None]:
    """When each participant left, by its sid."""
    return {
        stay.participant.sid: None if stay.left is None else stay.left.at
        for stay in found.page.items
    }


async def test_given_a_live_session_then_webhooks_and_livekit_tell_who_is_in(world: World) -> None:
    session = await world.session()
    world.lists("PA_2", "ben")
    room_sid = world.livekit.open[ROOM.value].sid
    await world.receive("participant_joined", room_sid=room_sid, joinedAtMs="1769860800123")
    await world.receive("participant_left", room_sid=room_sid)

    found = await world.read().of_session(session.id.value, SYSTEM)

    left = shown(found)
    assert left.keys() == {"PA_1", "PA_2"}
    assert left["PA_1"] is not None
    assert left["PA_2"] is None
    assert found.listed_at == world.clock.now()
    assert found.gaps == ()


async def test_given_livekit_is_down_then_what_is_known_is_shown_with_the_gap(
    world: World,
) -> None:
    session = await world.session(room_sid="RM_1")
    await world.receive("participant_joined")
    world.livekit.down = Fault.UNREACHABLE

    found = await world.read().of_session(session.id.value, SYSTEM)

    assert shown(found) == {"PA_1": None}
    assert found.gaps == (Gap.LIVEKIT_UNREACHABLE,)
    assert found.listed_at is None


async def test_given_livekit_is_down_and_no_agent_came_then_the_room_is_found_by_its_webhooks(
    world: World,
) -> None:
    await world.receive("participant_joined", sid="PA_old", room_sid="RM_old")
    world.clock.advance(SECOND)
    session = await world.session()
    await world.receive("participant_left", sid="PA_old", room_sid="RM_old")
    await world.receive("participant_joined", room_sid="RM_new")
    world.livekit.down = Fault.UNREACHABLE

    found = await world.read().of_session(session.id.value, SYSTEM)

    assert shown(found) == {"PA_1": None}


async def test_given_an_ended_session_then_livekit_is_not_asked(world: World) -> None:
    session = await world.session(room_sid="RM_1")
    await world.receive("participant_joined")
    world.clock.advance(SECOND)
    ended = attrs.evolve(
        session, status=SessionStatus.ENDED, ended_at=world.clock.now(), agent_identity="agent-1"
    )
    async with world.memory.unit_of_work() as work:
        await work.sessions.save(ended)
        await work.commit()

    found = await world.read().of_session(session.id.value, SYSTEM)

    assert {stay.participant.identity for stay in found.page.items} == {"ann", "agent-1"}
    assert {stay.left.source for stay in found.page.items if stay.left} == {FactSource.LEDGER}
    assert set(shown(found).values()) == {ended.ended_at}
    assert world.livekit.calls == []


async def test_given_the_inbox_is_pruned_then_the_ledger_tells_of_the_phone_and_the_agent(
    world: World,
) -> None:
    call = await world.call(from_number=NUMBER, ended_at=NOON + SECOND)

    found = await world.read().of_call(call.id.value, SYSTEM)

    [stay] = found.page.items
    assert stay.source is FactSource.LEDGER
    assert stay.participant.leg is not None
    assert stay.participant.leg.from_number == NUMBER
    assert world.livekit.calls == []


async def test_pages_go_on_where_the_last_one_ended(world: World) -> None:
    session = await world.session(room_sid="RM_1")
    for number in range(5):
        await world.receive("participant_joined", sid=f"PA_{number}")
    read = world.read()

    first = await read.of_session(session.id.value, SYSTEM, limit=2)
    second = await read.of_session(session.id.value, SYSTEM, first.page.next, limit=2)
    third = await read.of_session(session.id.value, SYSTEM, second.page.next, limit=2)

    pages = [[*shown(found)] for found in (first, second, third)]
    assert pages == [["PA_4", "PA_3"], ["PA_2", "PA_1"], ["PA_0"]]
    assert third.page.next is None


async def test_given_more_webhooks_than_are_read_then_the_list_says_so(world: World) -> None:
    session = await world.session(room_sid="RM_1")
    for number in range(4):
        await world.receive("participant_joined", sid=f"PA_{number}")

    found = await world.read(most_events=3).of_session(session.id.value, SYSTEM)
    whole = await world.read(most_events=4).of_session(session.id.value, SYSTEM)

    assert (len(found.page.items), found.gaps) == (3, (Gap.OLDER_WEBHOOKS,))
    assert (len(whole.page.items), whole.gaps) == (4, ())


async def test_given_a_session_of_another_tenant_then_it_is_missing(world: World) -> None:
    session = await world.session(tenant="ann")

    with pytest.raises(NotFound):
        await world.read().of_session(session.id.value, access_of("ben"))


@pytest.mark.parametrize(("reader", "expected"), [("ann", 2), ("ben", 1)])
async def test_given_two_tenants_calls_in_a_room_then_each_sees_its_own_parties(
    world: World, reader: str, expected: int
) -> None:
    of_ann = await world.call(tenant="ann", from_number=NUMBER)
    await world.session(tenant="ann", room_sid="RM_1")
    of_ben = await world.call(tenant="ben", participant_identity="sip_other")
    for call, number in ((of_ann, NUMBER), (of_ben, "+15105550111")):
        assert call.leg is not None
        attributes = {"sip.phoneNumber": number, "sip.callID": "SCL_1"}
        identity = call.leg.participant_identity
        await world.receive(
            "participant_joined",
            sid=call.leg.participant_sid,
            identity=identity,
            kind="SIP",
            attributes=attributes,
        )
    await world.receive("participant_joined")
    own: Access = access_of(reader)

    found = await world.read().of_call({"ann": of_ann, "ben": of_ben}[reader].id.value, own)

    assert len(found.page.items) == expected
    legs = [stay.participant.leg for stay in found.page.items if stay.participant.leg]
    assert [leg.participant_sid for leg in legs] == [
        call.leg.participant_sid for call in (of_ann, of_ben) if call.leg and call.tenant == reader
    ]
