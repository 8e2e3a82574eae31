"""A call that is being dialled has no leg yet; once LiveKit reports it, it is a call like others.

No other suite stores a call before its participant has joined.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
import uuid_utils

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, WORK, Access
from domain.calls.apply_fact import apply
from domain.calls.call import Call, CallStatus
from domain.calls.call_facts import (
    AgentDispatched,
    LegDescribed,
    ParticipantLeft,
    ParticipantSeen,
    RoomClosed,
)
from domain.calls.dial_request import DialRequest
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.repository import CallFilter, CallWork
from domain.privacy.data_subject import DataSubject
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from domain.shared.errors import Conflict
from domain.shared.identifiers import CallId, RoomName
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.calls.test_calls import add, live_calls, save
from tests.contract.storage.ledgers import NOON, new_call, new_id

SECOND = timedelta(seconds=1)
CALLED, CALLING = "+15105550177", "+15105550199"


def dialled_call(tenant: str | None = None, **changes: Any) -> Call:
    """A call that is not stored, placed at noon."""
    number = uuid_utils.uuid7()
    request: dict[str, Any] = {
        "room_name": f"outbound-{number}",
        "participant_identity": f"sip_{number}",
        "to_number": CALLED,
        "from_number": CALLING,
        "trunk_id": "ST_1",
    }
    request |= changes
    return Call.placed(CallId(str(number)), DialRequest(**request), NOON, tenant=tenant)


def reported_leg(call: Call, **changes: Any) -> SipLeg:
    """What LiveKit reports of the call's participant, two seconds after the call was placed."""
    leg: dict[str, Any] = {
        "room_name": call.parties.room_name,
        "room_sid": f"RM_{call.id}",
        "participant_sid": f"PA_{call.id}",
        "participant_identity": call.parties.participant_identity,
        "joined_at": NOON + 2 * SECOND,
        "direction": Direction.OUTBOUND,
        "sip_call_id": "SCL_1",
    }
    return SipLeg(**(leg | changes))


async def test_given_a_call_without_a_leg_when_it_is_stored_then_it_is_read_back(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    plain, sparse = dialled_call(), dialled_call(from_number=None, trunk_id=None)

    await add(unit_of_work, plain, sparse)

    async with unit_of_work() as work:
        for call in (plain, sparse):
            assert await work.calls.get(call.id, SYSTEM) == call
            assert await work.calls.newest_in(RoomName(call.parties.room_name), SYSTEM) == call
    assert (plain.leg, plain.room_sid, plain.status) == (None, None, CallStatus.CREATED)
    assert (plain.created_at, plain.parties.direction) == (NOON, Direction.OUTBOUND)


async def test_given_calls_without_a_leg_when_calls_are_listed_then_every_filter_finds_them(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    dialled, other = dialled_call(), new_call(joined_at=NOON + SECOND)
    await add(unit_of_work, dialled, other)

    async with unit_of_work() as work:
        assert await work.calls.page(CallFilter(), None, 10, SYSTEM) == [other, dialled]
        for wanted in (
            CallFilter(status=CallStatus.CREATED, direction=Direction.OUTBOUND),
            CallFilter(from_number=CALLING),
            CallFilter(from_number=CALLING, to_number=CALLED),
            CallFilter(to_number=CALLED),
            CallFilter(room_name=dialled.parties.room_name),
        ):
            assert await work.calls.page(wanted, None, 10, SYSTEM) == [dialled]


async def test_given_a_call_that_a_tenant_had_placed_then_it_is_that_tenants_from_the_start(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    own, others = dialled_call("tenant-1"), dialled_call("tenant-2")
    await add(unit_of_work, own, others)
    access = Access(tenant="tenant-1", scopes=WORK)

    served = await save(unit_of_work, apply(own, AgentDispatched(new_id(), NOON, None)))

    async with unit_of_work() as work:
        assert await work.calls.page(CallFilter(), None, 10, access) == [served]
        assert await work.calls.get(own.id, access) == served
        assert await work.calls.get(others.id, access) is None


async def test_given_a_call_without_a_leg_then_it_is_missing_from_no_room(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    """What :meth:`CallRepository.live` yields is compared with LiveKit's rooms."""
    dialled, joined = dialled_call(), new_call()
    await add(unit_of_work, dialled, joined)

    async with unit_of_work() as work:
        assert await live_calls(work) == [joined.outline]
        assert await work.calls.live_in("", SYSTEM) == []
        assert await work.calls.of_participant("", "", SYSTEM) is None


async def test_given_a_dialled_call_when_its_leg_is_reported_then_it_goes_on_as_any_other(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    call, session_id = dialled_call(), new_id()
    await add(unit_of_work, call)
    leg = reported_leg(call)

    joined = await save(
        unit_of_work,
        apply(
            call,
            LegDescribed(leg),
            ParticipantSeen(LegStatus.RINGING, NOON + 2 * SECOND, Source.WEBHOOK),
        ),
    )

    assert joined.leg == attrs.evolve(
        leg, from_number=CALLING, to_number=CALLED, trunk_id="ST_1"
    ), "what LiveKit does not report is as it was asked for"
    assert (joined.request, joined.created_at, joined.joined_at) == (None, NOON, leg.joined_at)
    async with unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) == joined
        assert await work.calls.of_participant(leg.room_sid, leg.participant_sid, SYSTEM) == joined
        assert await work.calls.live_in(leg.room_sid, SYSTEM) == [joined]
        assert await live_calls(work) == [joined.outline]

    ended = await save(
        unit_of_work,
        apply(
            joined,
            ParticipantSeen(LegStatus.ACTIVE, NOON + 5 * SECOND, Source.RECONCILER),
            AgentDispatched(session_id, NOON + 5 * SECOND),
            ParticipantLeft(NOON + 9 * SECOND, Source.WEBHOOK, reason="CLIENT_INITIATED"),
        ),
    )

    assert (ended.status, ended.duration) == (CallStatus.ENDED, 4 * SECOND)
    async with unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) == ended
        assert await work.calls.live_in(leg.room_sid, SYSTEM) == []
        assert await live_calls(work) == []
        assert await work.calls.page(CallFilter(), None, 10, SYSTEM) == [ended]


async def test_given_the_leg_joined_at_the_moment_of_placing_then_it_is_stored_as_well(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    call = dialled_call()
    await add(unit_of_work, call)

    saved = await save(unit_of_work, apply(call, LegDescribed(reported_leg(call, joined_at=NOON))))

    async with unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) == saved


async def test_given_calls_of_both_kinds_when_they_change_together_then_all_changes_are_stored(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    dialled, joining, joined = dialled_call(), dialled_call(), new_call()
    await add(unit_of_work, dialled, joining, joined)

    async with unit_of_work() as work:
        saved = [
            await work.calls.save(apply(dialled, AgentDispatched(new_id(), NOON))),
            await work.calls.save(apply(joining, LegDescribed(reported_leg(joining)))),
            await work.calls.save(apply(joined, RoomClosed(NOON, Source.WEBHOOK))),
        ]
        leg = reported_leg(joining)
        assert (
            await work.calls.of_participant(leg.room_sid, leg.participant_sid, SYSTEM) == saved[1]
        )
        await work.commit()

    async with unit_of_work() as work:
        assert [await work.calls.get(call.id, SYSTEM) for call in saved] == saved


async def test_given_a_participant_with_a_call_when_a_dialled_call_gets_its_leg_then_it_conflicts(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    dialled = dialled_call()
    leg = reported_leg(dialled)
    await add(unit_of_work, dialled, Call(id=CallId(str(new_id())), leg=leg))

    with pytest.raises(Conflict):
        await save(unit_of_work, apply(dialled, LegDescribed(leg)))

    async with unit_of_work() as work:
        assert await work.calls.get(dialled.id, SYSTEM) == dialled


async def test_given_a_dialled_call_that_fails_then_it_ends_without_a_leg(
    ledger: MemoryStorage | SqlStorage,
) -> None:
    call, other = dialled_call(), dialled_call()
    await add(ledger.unit_of_work, call, other)
    assert (await ledger.ledger_stats()).live_calls == 2

    failed = await save(
        ledger.unit_of_work,
        apply(call, ParticipantLeft(NOON + SECOND, Source.API, reason="USER_REJECTED")),
    )

    assert (failed.status, failed.leg) == (CallStatus.FAILED, None)
    async with ledger.unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) == failed
    assert (await ledger.ledger_stats()).live_calls == 1
    assert await ledger.prune_calls(NOON + 2 * SECOND) == 1
    async with ledger.unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) is None


async def test_given_a_dialled_call_when_the_number_is_erased_then_it_is_deleted(
    ledger: MemoryStorage | SqlStorage,
) -> None:
    call, other = dialled_call(), dialled_call(to_number="+442079460000")
    await add(ledger.unit_of_work, call, other)

    found = await ledger.personal_data.forget(DataSubject.with_number(CALLED))

    assert (found.calls, found.live) == (1, 1)
    async with ledger.unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) is None
        assert await work.calls.get(other.id, SYSTEM) == other


async def test_given_a_dialled_call_that_changed_when_a_fact_is_recorded_then_both_are_kept(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    class NoIds:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError("no call is created")

    call = dialled_call()
    await add(unit_of_work, call)
    record: RecordCallFact = RecordCallFact(unit_of_work=unit_of_work, ids=NoIds())
    leg = reported_leg(call)
    await record.on_known(call, LegDescribed(leg))

    recorded = await record.on_known(call, AgentDispatched(new_id(), NOON))

    assert recorded.leg is not None
    assert recorded.session_id is not None
    async with unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) == recorded
    assert await record.known(leg) == recorded
