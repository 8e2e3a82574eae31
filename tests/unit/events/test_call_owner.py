"""A call's events are its tenant's from the first one on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from domain.agents.agent_config import AgentConfig
from domain.calls.call_facts import ParticipantLeft, ParticipantSeen
from domain.calls.record_call_fact import RecordCallFact
from domain.events.announcer import Announcer
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import Identity, RoomName
from domain.shared.timeline import Source
from tests.unit.calls.test_asked_calls import ASKS, hold
from tests.unit.calls.test_routed_calls import answered_by
from tests.unit.worlds.fakes import FakeClock, SequentialIds
from tests.unit.worlds.telephony import PhoneWorld

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDS: Final = SequentialIds()
LEG: Final = SipLeg(
    room_name="room-1",
    room_sid="RM_1",
    participant_sid="PA_1",
    participant_identity="sip_1",
    joined_at=NOON,
    direction=Direction.INBOUND,
)
JOINED: Final = ParticipantSeen(LegStatus.ACTIVE, NOON, Source.WEBHOOK)
LEFT: Final = ParticipantLeft(NOON, Source.WEBHOOK, reason="CLIENT_INITIATED")


def session_of(tenant: str) -> Session:
    return Session(
        id=IDS.session_id(),
        room_name=RoomName("room-1"),
        room_sid="RM_1",
        identity=Identity("user-1"),
        agent_name="agent",
        agent_config=AgentConfig.parse(None),
        created_at=NOON,
        tenant=tenant,
    )


async def tenants_after(session: Session, fact: ParticipantSeen | ParticipantLeft) -> set[object]:
    """The tenants of the events of a call in the session's room."""
    announcer = Announcer(
        ids=IDS, clock=FakeClock(), present=lambda _: "{}", grace=timedelta(seconds=10)
    )
    storage = MemoryStorage(announcer)
    async with storage.unit_of_work() as work:
        await work.sessions.add(session)
        await work.commit()

    await RecordCallFact(unit_of_work=storage.unit_of_work, ids=IDS)(LEG, fact)

    events = await storage.outbox.after(0, 10)
    return {event.tenant for event in events if event.call_id is not None}


@pytest.mark.parametrize("fact", [JOINED, LEFT], ids=["joined", "left"])
async def test_a_call_in_a_tenant_s_room_is_announced_to_that_tenant(
    fact: ParticipantSeen | ParticipantLeft,
) -> None:
    assert await tenants_after(session_of("ben"), fact) == {"ben"}


async def test_a_call_in_a_room_that_was_the_tenant_s_long_ago_is_not() -> None:
    session = attrs.evolve(session_of("ben"), room_sid="RM_0", created_at=NOON - timedelta(days=2))
    ended = session.ended(EndReason.ROOM_FINISHED, NOON - timedelta(days=1))

    assert await tenants_after(ended, JOINED) == {None}


async def test_a_call_is_its_number_s_tenant_s_while_the_number_s_webhook_is_asked() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    hold(world)
    leg = world.joins()

    await world.hears_all()

    assert (world.call(leg).route, world.call(leg).tenant) == (None, "ann")


async def test_a_call_that_is_first_known_by_its_end_is_its_number_s_tenant_s() -> None:
    world = PhoneWorld()
    await answered_by(world)
    leg = world.joins()
    world.leaves()

    await world.hears(world.told[-1])
    await world.works_off()

    assert (world.call(leg).is_live, world.call(leg).tenant) == (False, "ann")


async def test_a_call_that_the_reconciler_finds_is_its_number_s_tenant_s() -> None:
    world = PhoneWorld()
    await answered_by(world, **ASKS)
    hold(world)
    leg = world.joins()

    await world.looks()

    assert world.call(leg).tenant == "ann"
