"""Events of changes, on every storage."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.events.table import events
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.calls.announce_ends import AnnounceEnds
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import ParticipantLeft, ParticipantSeen, RoomClosed
from domain.events.domain_event import EventKind, NewEvent, StoredEvent
from domain.privacy.data_subject import DataSubject
from domain.rooms.sip_leg import Direction, LegStatus
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.errors import Conflict
from domain.shared.identifiers import EventId, Identity
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import (
    NOON,
    access_of,
    new_announcer,
    new_call,
    new_room,
    new_session,
    opened,
)
from tests.unit.worlds.fakes import FakeClock

Ledger = MemoryStorage | SqlStorage

K = EventKind
LATER = NOON + timedelta(minutes=5)


async def store(ledger: Ledger, *entities: Session | Call) -> None:
    async with ledger.unit_of_work() as work:
        for one in entities:
            await (work.sessions.add(one) if isinstance(one, Session) else work.calls.add(one))
        await work.commit()


async def save(ledger: Ledger, entity: Any) -> Any:
    async with ledger.unit_of_work() as work:
        of = work.sessions if isinstance(entity, Session) else work.calls
        stored = await of.save(entity)
        await work.commit()
    return stored


async def kinds(ledger: Ledger) -> list[EventKind]:
    return [event.kind for event in await ledger.outbox.after(0, 100)]


def serving(call: Call, **changes: Any) -> Session:
    phone = PhoneCorrelation(
        call_id=call.id,
        direction=Direction.INBOUND,
        caller_number="+15105550100",
        called_number=None,
    )
    return new_session(phone=phone, **changes)


async def test_a_new_session_is_an_event_that_shows_it(ledger: Ledger) -> None:
    session = new_session(tenant="acme")

    await store(ledger, session)

    (event,) = await ledger.outbox.after(0, 10)
    assert (event.kind, event.sequence, event.lane) == (K.SESSION_CREATED, 1, str(session.id))
    assert (event.tenant, event.session_id, event.call_id) == ("acme", session.id, None)
    assert (event.occurred_at, event.source) == (NOON, Source.API)
    assert event.known_at > NOON
    shown = json.loads(event.data)
    assert (shown["sessionId"], shown["status"]) == (str(session.id), "created")
    assert shown["agentConfig"] == session.agent_config.values
    assert await ledger.outbox.last_position() == event.position
    assert await ledger.outbox.after(event.position, 10) == []


async def test_moves_are_events_in_the_order_of_the_session(ledger: Ledger) -> None:
    session = new_session()
    await store(ledger, session)
    session = await save(ledger, session.with_agent_dispatched("AD_1", NOON))
    session = await save(ledger, session.activated("RM_1", LATER))
    session = await save(ledger, session.without_agent(LATER, Source.WEBHOOK))
    await save(ledger, session.ended(EndReason.ENDED_BY_CALLER, LATER))

    found = await ledger.outbox.after(0, 10)

    assert [event.kind for event in found] == [
        K.SESSION_CREATED,
        K.SESSION_AGENT_JOINED,
        K.SESSION_AGENT_LEFT,
        K.SESSION_ENDED,
    ]
    assert [event.sequence for event in found] == [1, 2, 3, 4]
    assert found[2].source is Source.WEBHOOK
    assert json.loads(found[3].data)["status"] == "ended"


async def test_a_session_that_is_born_failed_has_both_events(ledger: Ledger) -> None:
    await store(ledger, new_session().with_dispatch_failed(LATER, uncertain=False))

    assert await kinds(ledger) == [K.SESSION_CREATED, K.SESSION_FAILED]


async def test_a_call_and_its_session_share_a_lane(ledger: Ledger) -> None:
    call = new_call()
    session = serving(call)
    await store(ledger, call, new_session())
    await store(ledger, session)
    async with ledger.unit_of_work() as work:
        ready = NewEvent(
            kind=K.USAGE_READY,
            occurred_at=LATER,
            source=Source.WORKER,
            session_id=session.id,
            data={"minutes": 2, "text": "é\0"},
        )
        await work.events.append(ready)
        await work.commit()

    lane = [event for event in await ledger.outbox.after(0, 10) if event.lane == str(call.id)]

    assert [event.kind for event in lane] == [K.CALL_CREATED, K.SESSION_CREATED, K.USAGE_READY]
    assert [event.sequence for event in lane] == [1, 2, 3]
    assert json.loads(lane[2].data) == {"minutes": 2, "text": "é\0"}


async def test_what_is_not_committed_is_not_announced(ledger: Ledger) -> None:
    session = new_session()
    await store(ledger, session)
    with pytest.raises(Conflict):
        await store(ledger, new_session(session.room_name))
    stored = await save(ledger, session.activated("RM_1", LATER))
    with pytest.raises(Conflict):
        await save(ledger, session.ended(EndReason.ENDED_BY_CALLER, LATER))
    async with ledger.unit_of_work() as work:
        await work.sessions.save(stored.ended(EndReason.ENDED_BY_CALLER, LATER))

    assert await kinds(ledger) == [K.SESSION_CREATED, K.SESSION_AGENT_JOINED]


async def test_claims_and_holding_an_ended_room_are_no_news(ledger: Ledger) -> None:
    session = new_session()
    await store(ledger, session)
    session = await save(ledger, session.claimed("me", NOON, timedelta(seconds=9)))
    session = await save(ledger, session.released())
    session = await save(ledger, session.ended(EndReason.ROOM_FINISHED, LATER))
    session = await save(ledger, session.claimed_after_end("me", NOON, timedelta(seconds=9)))
    await save(ledger, session.ended_again())

    assert await kinds(ledger) == [K.SESSION_CREATED, K.SESSION_ENDED]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_a_concluded_end_is_announced_once_and_later(
    database_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database_url, announcer=new_announcer(clock=clock)) as ledger:
        first, second = (AnnounceEnds(ledger.unit_of_work, clock) for _ in range(2))
        session, call = new_session(), new_call()
        await store(ledger, session, call)
        ended = session.ended(EndReason.ROOM_FINISHED, LATER, Source.RECONCILER, concluded=True)
        session = await save(ledger, ended)
        call = await save(ledger, apply(call, RoomClosed(LATER, Source.WEBHOOK)))

        assert await first() == 0
        assert await kinds(ledger) == [K.SESSION_CREATED, K.CALL_CREATED]
        clock.advance(timedelta(seconds=11))
        announced = sum(await asyncio.gather(first(), second()))

        assert announced == 2
        found = await ledger.outbox.after(0, 10)
        assert {event.kind for event in found[2:]} == {K.SESSION_ENDED, K.CALL_ENDED}
        assert {event.occurred_at for event in found[2:]} == {LATER}
        assert await first() == 0


async def test_an_end_that_was_undone_in_time_is_not_announced(
    database_url: str, clock: FakeClock
) -> None:
    async with opened(database_url, announcer=new_announcer(clock=clock)) as ledger:
        announce = AnnounceEnds(ledger.unit_of_work, clock)
        session = new_session()
        await store(ledger, session)
        concluded = session.ended(EndReason.ROOM_FINISHED, LATER, concluded=True)
        session = await save(ledger, concluded)
        async with ledger.unit_of_work() as work:
            read = await work.sessions.get(session.id, SYSTEM)
        assert read is not None
        session = await save(ledger, read.reopened(LATER, Source.RECONCILER))
        clock.advance(timedelta(seconds=11))

        assert await announce() == 0
        assert await kinds(ledger) == [K.SESSION_CREATED]

        session = await save(ledger, session.ended(EndReason.ROOM_FINISHED, LATER, concluded=True))
        clock.advance(timedelta(seconds=11))
        assert await announce() == 1
        async with ledger.unit_of_work() as work:
            read = await work.sessions.get(session.id, SYSTEM)
        assert read is not None
        await save(ledger, read.reopened(LATER, Source.RECONCILER))

        assert await kinds(ledger) == [K.SESSION_CREATED, K.SESSION_ENDED, K.SESSION_CORRECTED]


async def test_a_held_end_waits_for_its_holder(database_url: str, clock: FakeClock) -> None:
    async with opened(database_url, announcer=new_announcer(clock=clock)) as ledger:
        announce = AnnounceEnds(ledger.unit_of_work, clock)
        session = new_session()
        await store(ledger, session)
        ended = await save(ledger, session.ended(EndReason.ROOM_FINISHED, LATER, concluded=True))
        held = await save(ledger, ended.claimed_after_end("me", NOON, timedelta(seconds=9)))
        clock.advance(timedelta(seconds=11))
        assert await announce() == 0
        await save(ledger, held.ended_again())
        clock.advance(timedelta(seconds=11))
        assert await announce() == 1


async def test_a_call_s_own_event_after_its_room_s_is_final(ledger: Ledger) -> None:
    call = new_call()
    await store(ledger, call)
    seen = ParticipantSeen(LegStatus.ACTIVE, NOON, Source.WEBHOOK)
    call = await save(ledger, apply(call, seen))
    call = await save(ledger, apply(call, RoomClosed(LATER, Source.WEBHOOK)))
    left = ParticipantLeft(LATER, Source.WEBHOOK, reason="CLIENT_INITIATED")
    call = await save(ledger, apply(call, left))
    await save(ledger, apply(call, left))

    found = await ledger.outbox.after(0, 10)

    assert [event.kind for event in found] == [K.CALL_CREATED, K.CALL_ANSWERED, K.CALL_ENDED]
    assert json.loads(found[2].data)["disconnectReason"] == "CLIENT_INITIATED"


async def test_an_event_is_found_by_those_who_may_see_it(ledger: Ledger) -> None:
    await store(ledger, new_session(tenant="acme"))
    (event,) = await ledger.outbox.after(0, 10)

    assert await ledger.outbox.find(event.id, access_of("acme")) == event
    assert await ledger.outbox.find(event.id, access_of("other")) is None
    unknown = EventId("01890a5d-ac96-774b-bcce-b302099a8057")
    assert await ledger.outbox.find(unknown, SYSTEM) is None


async def test_a_lane_is_kept_while_its_newest_event_is_young(
    database_url: str, clock: FakeClock
) -> None:
    async with opened(database_url, announcer=new_announcer(clock=clock)) as ledger:
        old, young = new_session(), new_session()
        await store(ledger, old, young)
        clock.advance(timedelta(days=1))
        await save(ledger, young.activated("RM_1", LATER))
        last = await ledger.outbox.last_position()

        assert await ledger.outbox.prune(clock.now() - timedelta(hours=1)) == 1

        found = await ledger.outbox.after(0, 10)
        assert {event.lane for event in found} == {str(young.id)}
        assert len(found) == 2
        await ledger.outbox.prune(clock.now() + timedelta(hours=1))
        assert await ledger.outbox.after(0, 10) == []
        await store(ledger, new_session())
        (event,) = await ledger.outbox.after(0, 10)
        assert event.position > last


async def test_a_person_s_events_are_forgotten_with_their_records(ledger: Ledger) -> None:
    ann, sage = DataSubject.with_identity("ann"), DataSubject.with_identity("sage")
    session = new_session(identity=Identity("ann"))
    other = new_session()
    await store(ledger, session, other)
    async with ledger.unit_of_work() as work:
        for one in (session, other):
            ready = NewEvent(
                kind=K.TRANSCRIPT_READY,
                occurred_at=LATER,
                source=Source.WORKER,
                session_id=one.id,
                data={"sessionId": str(one.id)},
            )
            await work.events.append(ready)
        await work.commit()

    assert (await ledger.personal_data.mentions(sage)).all == 0  # a voice
    forgotten = await ledger.personal_data.forget(ann)

    assert (forgotten.sessions, forgotten.domain_events) == (1, 2)
    assert {event.session_id for event in await ledger.outbox.after(0, 10)} == {other.id}


WRITERS, READERS, EACH = 6, 3, 12


async def test_every_reader_sees_every_event_once_in_order(database_url: str) -> None:
    """Given writers that commit, conflict and give up, on two replicas."""
    async with opened(database_url) as one:
        if isinstance(one, MemoryStorage):
            await _race([one])
            return
        async with opened(database_url) as other:
            await _race([one, other])


async def _race(replicas: Sequence[Ledger]) -> None:
    chance = random.Random(7)
    call = new_call()
    await store(replicas[0], call)
    done = asyncio.Event()

    async def write(number: int) -> None:
        ledger = replicas[number % len(replicas)]
        for step in range(EACH):
            match (number + step) % 4:
                case 0:
                    await store(ledger, new_session())
                case 1:
                    async with ledger.unit_of_work() as work:
                        for session_id in (None, None):
                            event = NewEvent(
                                kind=K.USAGE_READY,
                                occurred_at=LATER,
                                source=Source.WORKER,
                                call_id=call.id,
                                session_id=session_id,
                                data=b'{"a":1}',
                            )
                            await work.events.append(event)
                        await work.commit()
                case 2:
                    room = new_room()
                    await store(ledger, new_session(room))
                    with pytest.raises(Conflict):
                        await store(ledger, new_session(room))
                case 3:
                    await store(ledger, new_call(), serving(new_call()))
            await asyncio.sleep(chance.random() * 0.003)

    async def read(number: int) -> list[StoredEvent]:
        ledger, seen, position = replicas[number % len(replicas)], list[StoredEvent](), 0
        while True:
            ended = done.is_set()
            found = await ledger.outbox.after(position, 7)
            seen += found
            if found:
                position = found[-1].position
            elif ended and position >= await ledger.outbox.last_position():
                return seen
            await asyncio.sleep(0.001)

    readers = [asyncio.create_task(read(number)) for number in range(READERS)]
    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    done.set()
    seen = await asyncio.gather(*readers)

    everything = await replicas[0].outbox.after(0, 10_000)
    ids = [event.id for event in everything]
    assert len(set(ids)) == len(ids) > WRITERS * EACH
    for each in seen:
        assert [event.id for event in each] == ids
    lanes: dict[str, list[int]] = {}
    for event in everything:
        lanes.setdefault(event.lane, []).append(event.sequence)
    for lane, sequences in lanes.items():
        assert sequences == list(range(1, len(sequences) + 1)), lane


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
async def test_events_that_cannot_be_read_do_not_stall_readers(database_url: str) -> None:
    async with opened(database_url) as ledger:
        assert isinstance(ledger, SqlStorage)
        for _ in range(5):
            await store(ledger, new_session())
        places = [event.position for event in await ledger.outbox.after(0, 10)]
        bad, good = [places[0], places[1], places[3]], [places[2], places[4]]
        unknown = update(events).where(events.c.position.in_(bad), events.c.kind != "later")
        await ledger.database.repeat(unknown.values(kind="later"))

        with capture_logs() as logs:
            found = await ledger.outbox.after(0, 2)
            rest = await ledger.outbox.after(found[-1].position, 2)
            again = await ledger.outbox.after(0, 10)

        assert [event.position for event in (*found, *rest)] == good
        assert [event.position for event in again] == good
        assert [line["position"] for line in logs] == bad
        assert logs[-1]["skipped"] == 3


async def test_the_highest_position_stays_when_the_newest_event_is_erased(ledger: Ledger) -> None:
    await store(ledger, new_session())
    await store(ledger, new_session(identity=Identity("ann")))
    highest = await ledger.outbox.highest_position()
    assert highest == await ledger.outbox.last_position()

    await ledger.personal_data.forget(DataSubject.with_identity("ann"))

    assert await ledger.outbox.last_position() < highest
    assert await ledger.outbox.highest_position() == highest


async def test_the_events_of_a_lane_are_listed_newest_first_for_who_sees_them(
    ledger: Ledger,
) -> None:
    call = new_call()
    await store(ledger, call, new_session())
    session = serving(call, tenant="acme")
    await store(ledger, session)
    await save(ledger, session.with_dispatch_failed(LATER, uncertain=False))
    page, lane = ledger.outbox.page, str(call.id)

    found = await page(lane, None, 10, SYSTEM)

    assert [event.kind for event in found] == [K.SESSION_FAILED, K.SESSION_CREATED, K.CALL_CREATED]
    assert [event.sequence for event in found] == [3, 2, 1]
    assert await page(lane, None, 2, SYSTEM) == found[:2]
    assert await page(lane, 2, 10, SYSTEM) == found[2:]
    assert await page(lane, None, 10, access_of("acme")) == found[:2]
    assert await page(lane, None, 10, access_of("acme", sees_unowned=True)) == found
    assert await page(lane, None, 10, access_of("other")) == []
    assert await page(str(session.id), None, 10, SYSTEM) == []


async def test_the_list_of_a_lane_goes_on_behind_what_cannot_be_read(sql_url: str) -> None:
    async with opened(sql_url) as ledger:
        assert isinstance(ledger, SqlStorage)
        session = new_session()
        await store(ledger, session)
        session = await save(ledger, session.with_dispatch_failed(LATER, uncertain=False))
        await save(ledger, session.ended(EndReason.ENDED_BY_CALLER, LATER))
        strange = update(events).where(events.c.sequence == 2).values(kind="session.unheard_of")
        async with ledger.database.writer.begin() as connection:
            await connection.execute(strange)

        found = await ledger.outbox.page(str(session.id), None, 2, SYSTEM)

        assert [event.kind for event in found] == [K.SESSION_ENDED, K.SESSION_CREATED]
