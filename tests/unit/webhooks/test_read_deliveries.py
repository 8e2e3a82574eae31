"""What webhooks got of one session or call, for who may see both."""

from __future__ import annotations

from typing import Final

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from domain.access.access import SYSTEM, Access, Scope
from domain.calls.read_calls import ReadCalls
from domain.calls.read_events import ReadEvents
from domain.events.domain_event import EventKind
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.session_store import SessionStore
from domain.shared.errors import Forbidden, InvalidInput, NotFound
from domain.shared.identifiers import CallId, EventId, SessionId
from domain.webhooks.read_deliveries import DeliveryFilter, ReadDeliveries
from tests.contract.storage.ledgers import new_call, new_session
from tests.unit.webhooks.world import World

BOTH: Final = frozenset({Scope.CALLS_READ, Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE})
ANN, BEN = Access(tenant="ann", scopes=BOTH), Access(tenant="ben", scopes=BOTH)
NOWHERE: Final = "01890a5d-ac96-774b-bcce-b302099a8057"


def events_of(memory: MemoryStorage) -> ReadEvents:
    return ReadEvents(
        read_sessions=ReadSessions(SessionStore(memory.unit_of_work)),
        read_calls=ReadCalls(memory.unit_of_work, str),
        outbox=memory.outbox,
    )


def deliveries_of(memory: MemoryStorage) -> ReadDeliveries:
    return ReadDeliveries(
        read_events=events_of(memory), outbox=memory.outbox, deliveries=memory.webhook_deliveries
    )


@pytest.fixture
def world() -> World:
    return World()


async def test_given_a_session_then_its_events_and_their_deliveries_are_listed(
    world: World,
) -> None:
    webhook = await world.webhook(access=ANN)
    session, call = new_session(tenant="ann"), new_call()
    async with world.memory.unit_of_work() as work:
        await work.sessions.add(session)
        await work.calls.add(call)
        await work.commit()
    await world.deliver()
    read_events, read = events_of(world.memory), deliveries_of(world.memory)

    events = (await read_events.of_session(session.id.value, ANN)).items
    of_call = (await read_events.of_call(call.id.value, SYSTEM)).items
    of_session = (await read(DeliveryFilter(session_id=session.id), ANN)).items

    assert [event.kind for event in events] == [EventKind.SESSION_CREATED]
    assert [event.kind for event in of_call] == [EventKind.CALL_CREATED]
    assert [(one.webhook_id, one.event_id) for one in of_session] == [(webhook.id, events[0].id)]
    assert (await read(DeliveryFilter(event_id=events[0].id), ANN)).items == of_session
    both = DeliveryFilter(session_id=session.id, call_id=call.id)
    assert (await read(both, SYSTEM)).items == []


async def test_given_what_is_ann_s_then_ben_sees_nothing_of_it(world: World) -> None:
    await world.webhook(access=ANN)
    await world.webhook(access=BEN)
    session = new_session(tenant="ann")
    async with world.memory.unit_of_work() as work:
        await work.sessions.add(session)
        await work.commit()
    await world.deliver()
    [event] = world.memory.outbox.stored
    read_events, read = events_of(world.memory), deliveries_of(world.memory)

    with pytest.raises(NotFound):
        await read_events.of_session(session.id.value, BEN)
    for wanted in (
        DeliveryFilter(session_id=session.id),
        DeliveryFilter(event_id=event.id),
        DeliveryFilter(session_id=SessionId(NOWHERE)),
        DeliveryFilter(call_id=CallId(NOWHERE)),
        DeliveryFilter(event_id=EventId(NOWHERE)),
    ):
        assert (await read(wanted, BEN)).items == []


async def test_deliveries_need_their_scope_and_something_that_they_are_of(world: World) -> None:
    read = deliveries_of(world.memory)
    without = attrs.evolve(ANN, scopes=frozenset({Scope.CALLS_READ}))

    with pytest.raises(Forbidden):
        await read(DeliveryFilter(session_id=SessionId(NOWHERE)), without)
    with pytest.raises(InvalidInput):
        await read(DeliveryFilter(), ANN)


async def test_pages_of_events_go_on_where_the_last_one_ended(world: World) -> None:
    session = new_session()
    async with world.memory.unit_of_work() as work:
        await work.sessions.add(session)
        await work.commit()
    for _ in range(4):
        async with world.memory.unit_of_work() as work:
            found = await work.sessions.get(session.id, SYSTEM)
            assert found is not None
            failed = found.with_dispatch_failed(world.clock.now(), uncertain=False)
            await work.sessions.save(failed)
            await work.commit()
    read, place, sequences = events_of(world.memory), None, []
    while True:
        page = await read.of_session(session.id.value, SYSTEM, place, limit=2)
        sequences.append([event.sequence for event in page.items])
        if (place := page.next) is None:
            break

    assert sequences == [[5, 4], [3, 2], [1]]
