"""What the port says of calls, one sentence after another."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import attrs
import pytest

from adapters.system.ids import UuidIds
from domain.access.access import SYSTEM
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import (
    AgentDispatched,
    CallFact,
    CallRouted,
    ParticipantLeft,
    ParticipantSeen,
)
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.repository import CallWork
from domain.calls.room_calls import CallOutline
from domain.phone_numbers.call_route import CallRoute
from domain.rooms.sip_leg import LegStatus
from domain.shared.errors import Conflict
from domain.shared.identifiers import CallId, RoomName, SessionId
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.storage.ledgers import NOON, leg_of, new_call, new_id, new_session, opened

SECOND = timedelta(seconds=1)


async def add(unit_of_work: UnitOfWorkFactory[CallWork], *calls: Call) -> None:
    async with unit_of_work() as work:
        for call in calls:
            await work.calls.add(call)
        await work.commit()


async def save(unit_of_work: UnitOfWorkFactory[CallWork], call: Call) -> Call:
    async with unit_of_work() as work:
        stored = await work.calls.save(call)
        await work.commit()
    return stored


async def live_calls(work: CallWork) -> list[CallOutline]:
    return [one async for page in work.calls.live([], SYSTEM) for one in page]


def gone(call: Call) -> Call:
    return apply(call, ParticipantLeft(NOON + SECOND, Source.WEBHOOK, reason="CLIENT_INITIATED"))


async def test_an_empty_ledger_knows_no_calls(unit_of_work: UnitOfWorkFactory[CallWork]) -> None:
    unknown = new_call()
    async with unit_of_work() as work:
        assert await work.calls.get(unknown.id, SYSTEM) is None
        assert await work.calls.of_participant("RM_1", "PA_1", SYSTEM) is None
        assert await work.calls.live_in("RM_1", SYSTEM) == []
        assert await work.calls.newest_in(RoomName("room"), SYSTEM) is None
        assert await live_calls(work) == []


async def test_a_call_is_found_by_id_by_stay_and_by_room(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    call, other = new_call(), new_call()
    await add(unit_of_work, call, other)
    leg = leg_of(call)
    async with unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) == call
        assert await work.calls.of_participant(leg.room_sid, leg.participant_sid, SYSTEM) == call
        assert (
            await work.calls.of_participant(leg.room_sid, leg_of(other).participant_sid, SYSTEM)
            is None
        )
        assert await work.calls.live_in(leg.room_sid, SYSTEM) == [call]
        assert await work.calls.newest_in(RoomName(leg.room_name), SYSTEM) == call
        assert {one.id for one in await live_calls(work)} == {call.id, other.id}


async def test_every_field_comes_back(unit_of_work: UnitOfWorkFactory[CallWork]) -> None:
    call = new_call(
        from_number="+15105550100",
        to_number="anonymous",
        trunk_id="ST_1",
        dispatch_rule_id="SDR_1",
        sip_call_id="SCL_1",
    )
    call = apply(call, ParticipantSeen(LegStatus.RINGING, NOON, Source.WEBHOOK))
    call = apply(call, ParticipantSeen(LegStatus.ACTIVE, NOON + SECOND, Source.RECONCILER))
    call = apply(call, AgentDispatched(new_id(), NOON + SECOND))
    call = apply(
        call,
        ParticipantLeft(
            NOON + 2 * SECOND,
            Source.WEBHOOK,
            reason="USER_REJECTED",
            last_status=LegStatus.ACTIVE,
            aborted=True,
        ),
    )
    await add(unit_of_work, call)
    async with unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) == call


async def test_a_participant_has_one_call_in_a_room(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    call = new_call()
    await add(unit_of_work, call)
    again = attrs.evolve(new_call(), leg=call.leg)
    with pytest.raises(Conflict):
        await add(unit_of_work, again)
    elsewhere = attrs.evolve(again, leg=attrs.evolve(leg_of(call), room_sid="RM_elsewhere"))
    await add(unit_of_work, elsewhere)


async def test_reports_that_race_make_one_call_of_a_stay(database_url: str) -> None:
    """None of them found a call when it looked; on a database they come to two replicas."""
    leg = leg_of(new_call())
    facts: list[CallFact] = [
        ParticipantSeen(LegStatus.RINGING, NOON, Source.WEBHOOK),
        ParticipantSeen(LegStatus.ACTIVE, NOON + SECOND, Source.RECONCILER),
        ParticipantLeft(NOON + 2 * SECOND, Source.WEBHOOK, reason="CLIENT_INITIATED"),
    ]
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(opened(database_url))
            for _ in range(1 if database_url == "memory://" else 2)
        ]
        records = [
            RecordCallFact(unit_of_work=each.unit_of_work, ids=UuidIds()) for each in replicas
        ]

        calls = await asyncio.gather(
            *(record.on(None, leg, fact) for fact in facts for record in records)
        )

        async with replicas[0].unit_of_work() as work:
            call = await work.calls.newest_in(RoomName(leg.room_name), SYSTEM)
    assert call is not None
    assert {each.id for each in calls} == {call.id}
    assert [entry.what for entry in call.timeline] == ["joined", "ringing", "active", "left"]


async def test_an_id_is_taken_once(unit_of_work: UnitOfWorkFactory[CallWork]) -> None:
    call = new_call()
    await add(unit_of_work, call)
    with pytest.raises(Conflict):
        await add(unit_of_work, attrs.evolve(new_call(), id=call.id))


async def test_a_save_counts_the_version_up_and_refuses_who_has_not_seen_it(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    call = new_call()
    await add(unit_of_work, call)
    ended = await save(unit_of_work, gone(call))
    assert ended.version == 1
    with pytest.raises(Conflict):
        await save(unit_of_work, apply(call, AgentDispatched(new_id(), NOON)))
    async with unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) == ended
    with pytest.raises(Conflict):
        await save(unit_of_work, new_call())


async def test_an_ended_call_is_not_live_and_stays_the_newest(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    call = new_call()
    await add(unit_of_work, call)
    ended = await save(unit_of_work, gone(call))
    async with unit_of_work() as work:
        assert await work.calls.live_in(leg_of(call).room_sid, SYSTEM) == []
        assert await live_calls(work) == []
        assert await work.calls.newest_in(RoomName(call.parties.room_name), SYSTEM) == ended


async def test_two_phones_of_a_room_the_older_first(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    older = new_call(room_sid="RM_1", room_name="room")
    newer = new_call(room_sid="RM_1", room_name="room", joined_at=NOON + SECOND)
    await add(unit_of_work, newer, older)
    async with unit_of_work() as work:
        assert await work.calls.live_in("RM_1", SYSTEM) == [older, newer]
        assert await work.calls.newest_in(RoomName("room"), SYSTEM) == newer


async def test_what_a_unit_has_changed_it_sees_and_others_do_not(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    call, added = new_call(), new_call()
    await add(unit_of_work, call)
    ended = gone(call).stored()
    async with unit_of_work() as work, unit_of_work() as other:
        await work.calls.save(gone(call))
        await work.calls.add(added)
        leg = leg_of(added)
        assert await work.calls.get(call.id, SYSTEM) == ended
        assert await work.calls.live_in(leg_of(call).room_sid, SYSTEM) == []
        assert await work.calls.of_participant(leg.room_sid, leg.participant_sid, SYSTEM) == added
        assert await work.calls.newest_in(RoomName(leg.room_name), SYSTEM) == added
        assert await live_calls(work) == await live_calls(other) == [call.outline]
    async with unit_of_work() as work:
        assert await work.calls.live_in(leg_of(call).room_sid, SYSTEM) == [call], (
            "what is not committed is undone"
        )


async def test_a_call_and_its_session_are_stored_both_or_neither(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    taken = new_session()
    async with unit_of_work() as work:
        await work.sessions.add(taken)
        await work.commit()
    call = new_call()
    async with unit_of_work() as work:
        await work.calls.add(call)
        await work.sessions.add(new_session(taken.room_name))
        with pytest.raises(Conflict):
            await work.commit()
    async with unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) is None
        session = new_session()
        await work.calls.add(call)
        await work.sessions.add(session)
        await work.commit()
    async with unit_of_work() as work:
        assert await work.calls.get(CallId(str(call.id)), SYSTEM) == call
        assert await work.sessions.get(SessionId(str(session.id)), SYSTEM) == session


async def test_a_route_is_read_as_it_was_stored(unit_of_work: UnitOfWorkFactory[CallWork]) -> None:
    route = CallRoute(
        at=NOON, number="+15105550199", tenant="ann", agent="x@1", variables={"a": "\0 ü"}
    )
    call = new_call()
    await add(unit_of_work, call)

    routed = await save(unit_of_work, apply(call, CallRouted(route)))

    async with unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) == routed
    assert (routed.route, routed.tenant) == (route, "ann")
