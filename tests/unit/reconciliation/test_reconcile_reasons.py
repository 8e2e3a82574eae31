"""What makes the reconciler look into a room, and what it does there and does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import attrs
import pytest

from domain.calls.call import CallStatus
from domain.calls.call_facts import ParticipantSeen
from domain.reconciliation.reconcile import Reconciliation
from domain.rooms.room import Participant, ParticipantKind
from domain.rooms.sip_leg import LegStatus
from domain.sessions.retry_policy import FIRST_RETRY
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.timeline import Source
from tests.unit.reconciliation.test_reconcile_turns import quiet, watch
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import AGENT, GRACE, LEASE, MOMENT, ROOM

SECOND = timedelta(seconds=1)
MINUTE = 60 * SECOND
USER = Participant("user-1", ParticipantKind.STANDARD)


async def web_session(world: PhoneWorld) -> Session:
    """A user whose agent was dispatched, and has not joined."""
    started = await world.start()
    world.livekit.opens(ROOM).people["user-1"] = USER
    return started.session


def only_for_a_reason(world: PhoneWorld, **options: bool) -> PhoneWorld:
    """With a reconciler that has not looked yet and gives no room its turn."""
    world.reconcile = world.new_reconcile(**options)
    world.reconcile.choice.rotation = 0
    return world


async def meanwhile(
    world: PhoneWorld,
    operation: str,
    what: Callable[[], Awaitable[None]],
    *,
    after: bool = False,
) -> Reconciliation:
    """A cycle, during whose next ``operation`` something happens."""
    pause = world.livekit.pause(operation, after_applying=after)

    async def happen() -> None:
        await pause.reached.wait()
        await what()
        pause.resumed.set()

    done, _ = await asyncio.gather(world.looks(), happen())
    return done


# The first look


async def test_a_new_process_looks_into_every_room_once() -> None:
    world = PhoneWorld()
    await world.serves("sip_1", "phones")
    await world.serves("sip_2", "phones")
    await web_session(world)
    world.livekit.opens("nobody")
    only_for_a_reason(world)

    assert [(await world.looks()).examined for _ in range(2)] == [3, 0]


async def test_a_session_that_began_or_changed_is_a_reason_once() -> None:
    world = only_for_a_reason(PhoneWorld())
    world.agent_joins("agent-1")
    await world.looks()

    session = await world.ledger.add(world.new_session())
    seen = SeenAgent(identity="agent-1")
    sid = world.livekit.open[ROOM].sid
    await world.ledger.save(session.activated(sid, world.clock.now(), seen))
    world.livekit.calls.clear()

    assert [(await world.looks()).examined for _ in range(2)] == [1, 0]
    assert world.livekit.count("list") == 1, "a second agent may be on its way"


# News


async def test_who_comes_and_who_goes_is_a_reason_once() -> None:
    world = only_for_a_reason(PhoneWorld())
    await world.serves()
    people = world.livekit.opens(ROOM).people

    people["user-1"] = USER
    assert [(await world.looks()).examined for _ in range(2)] == [1, 0]
    del people["user-1"]
    assert [(await world.looks()).examined for _ in range(2)] == [1, 0]


async def test_a_caller_in_anothers_place_is_a_reason_once() -> None:
    world = only_for_a_reason(PhoneWorld())
    await world.serves()
    world.livekit.opens(ROOM).people["user-1"] = USER
    await world.looks()

    world.leaves()
    world.joins("sip_2")
    await world.hears_all()

    assert [(await world.looks()).examined for _ in range(2)] == [1, 0]


async def test_a_call_that_rings_is_a_reason_until_it_is_answered() -> None:
    world = only_for_a_reason(PhoneWorld())
    world.joins(status=LegStatus.RINGING)
    await world.hears_all()
    world.agents_join()
    await world.hears_all()

    cycles = [await world.looks() for _ in range(3)]
    assert [(done.examined, dict(done.repairs)) for done in cycles] == [(1, {})] * 3
    world.answers()
    cycles = [await world.looks() for _ in range(2)]
    assert [(done.examined, dict(done.repairs)) for done in cycles] == [
        (1, {"call_followed": 1}),
        (0, {}),
    ]


async def test_a_call_without_an_agent_is_a_reason_until_it_has_one() -> None:
    world = only_for_a_reason(PhoneWorld())
    leg = world.joins()
    await world.record_call_fact(leg, ParticipantSeen(None, world.clock.now(), Source.WEBHOOK))
    world.livekit.fail("find", Fault.UNREACHABLE)

    assert (await world.looks()).problems == ["LiveKit cannot be reached."]
    done = await world.looks()
    assert (done.examined, done.repairs) == (1, {"agent_dispatched": 1})
    assert (await world.looks()).examined == 1, "the session has begun"
    assert (await world.looks()).examined == 0


async def test_without_telephony_callers_are_no_calls() -> None:
    world = only_for_a_reason(PhoneWorld(), telephony=False)
    world.user_joins()
    world.joins("sip_1", "room-2")

    done = await world.looks()

    assert (done.rooms, done.examined, dict(done.repairs)) == (2, 2, {})
    assert world.storage.calls == []
    assert (await world.looks()).examined == 0


# An agent that should have been seen


@pytest.mark.parametrize(("after", "examined"), [(GRACE - MOMENT, 0), (GRACE, 1), (MINUTE, 1)])
async def test_an_agent_that_was_not_seen_in_time_is_missed(
    after: timedelta, examined: int
) -> None:
    world = only_for_a_reason(PhoneWorld())
    await web_session(world)
    await world.looks()

    world.clock.advance(after)

    assert (await world.looks()).examined == examined


async def test_an_agent_that_was_seen_is_not_missed() -> None:
    world = only_for_a_reason(PhoneWorld())
    await world.serves()
    await world.looks()

    world.clock.advance(MINUTE)

    assert (await world.looks()).examined == 0


@pytest.mark.parametrize(
    ("after", "examined"), [(FIRST_RETRY - MOMENT, 0), (FIRST_RETRY, 1), (MINUTE, 1)]
)
async def test_a_dispatch_that_failed_is_repeated_once_its_back_off_is_over(
    after: timedelta, examined: int
) -> None:
    world = only_for_a_reason(PhoneWorld())
    session = await world.claimed_session()
    await world.ledger.save(session.with_dispatch_failed(world.clock.now(), uncertain=False))
    world.user_joins()
    await world.looks()

    world.clock.advance(after)

    assert (await world.looks()).examined == examined
    assert world.livekit.count("create") == examined


async def test_without_a_person_a_dispatch_that_failed_is_not_repeated() -> None:
    world = only_for_a_reason(PhoneWorld())
    session = await world.claimed_session()
    await world.ledger.save(session.with_dispatch_failed(world.clock.now(), uncertain=False))
    world.livekit.opens(ROOM)
    await world.looks()

    world.clock.advance(MINUTE)

    assert (await world.looks()).examined == 0
    assert world.livekit.count("create") == 0


async def test_a_callers_agent_is_missed_also_after_somebody_at_it_was_killed() -> None:
    world = only_for_a_reason(PhoneWorld())
    world.joins()
    await world.hears_all()
    world.clock.advance(10 * SECOND)
    await world.ledger.save(world.session().claimed("killed", world.clock.now(), LEASE))

    done = await world.looks()
    assert (done.examined, done.repairs) == (1, {}), "it is left to whoever has the claim"
    world.clock.advance(LEASE + MOMENT)
    done = await world.looks()
    assert (done.examined, done.repairs) == (1, {"agent_dispatched": 1})


# What it finds in a room


async def test_given_two_callers_whom_nobody_serves_then_one_agent_is_dispatched_and_told() -> None:
    world = PhoneWorld()
    world.joins("sip_1")
    world.joins("sip_2")

    done = await world.looks()

    assert done.repairs == {"call_added": 2, "agent_dispatched": 1}
    assert len({call.session_id for call in world.storage.calls}) == 1


@pytest.mark.parametrize("says_its_name", [False, True])
async def test_an_agent_is_the_sessions_by_its_name_or_by_its_job(
    says_its_name: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    session = await web_session(world)
    world.livekit.agents_say_their_name = says_its_name
    world.livekit.agents_join(ROOM)

    world.clock.advance(11 * SECOND)

    assert (await world.looks()).repairs == {"agent_seen": 1}
    assert world.session().agent_identity == f"agent-{session.dispatch_id}"


@pytest.mark.parametrize("says", [None, "another"])
async def test_an_agent_of_another_name_or_of_no_job_of_ours_is_not_the_sessions(
    says: str | None,
) -> None:
    world = PhoneWorld()
    await web_session(world)
    world.livekit.opens(ROOM).people["a"] = Participant("a", ParticipantKind.AGENT, says)

    world.clock.advance(11 * SECOND)

    assert (await world.looks()).repairs == {"agent_dispatched": 1}
    assert world.agents() == ["a"], "it is left alone"


async def test_what_is_known_of_an_agent_is_not_written_again() -> None:
    world = PhoneWorld()
    await world.serves()
    session, call = world.session(), world.storage.calls

    world.clock.advance(MINUTE)
    done = await world.looks()  # it is this room's turn

    assert (done.examined, done.repairs) == (1, {})
    assert (world.session(), world.storage.calls) == (session, call)


async def test_an_agent_of_a_start_that_was_broken_off_is_found_and_seen() -> None:
    world = PhoneWorld()
    session = await world.claimed_session()
    await world.agent_comes_late(session)
    world.livekit.opens(ROOM).people["user-1"] = USER

    assert (await world.looks()).repairs == {}  # its lease runs
    world.pass_lease()
    assert (await world.looks()).repairs == {"agent_seen": 1}

    found = world.session()
    assert found.status is SessionStatus.ACTIVE
    assert [one.id for one in world.dispatches()] == [found.dispatch_id]
    assert not found.claim.is_unsettled
    assert not found.agent_adopted, "its metadata names the session"
    assert (await world.looks()).repairs == {}


async def test_a_dispatch_of_a_start_that_was_broken_off_counts_though_nobody_has_come() -> None:
    world = PhoneWorld()
    session = await world.claimed_session()
    await world.dispatch_agent.dispatcher.create(
        session.room_name, session.agent_name, session.metadata()
    )
    world.pass_lease()

    assert (await world.looks()).repairs == {"dispatch_settled": 1}

    assert world.session().status is SessionStatus.AGENT_DISPATCHED
    assert (await world.looks()).repairs == {}


async def test_a_start_that_was_broken_off_before_its_dispatch_is_finished_for_a_person() -> None:
    world = PhoneWorld()
    await world.claimed_session()
    world.livekit.opens(ROOM).people["user-1"] = USER
    world.pass_lease()

    assert (await world.looks()).repairs == {"agent_dispatched": 1}

    assert world.session().status is SessionStatus.AGENT_DISPATCHED
    assert not world.session().claim.is_unsettled
    assert (await world.looks()).repairs == {}
    assert world.livekit.count("create") == 1


async def test_a_start_that_was_broken_off_before_its_dispatch_has_failed_if_nobody_is_there() -> (
    None
):
    world = PhoneWorld()
    await world.claimed_session()
    world.livekit.opens(ROOM)
    world.pass_lease()

    assert (await world.looks()).repairs == {"dispatch_settled": 1}

    assert world.session().status is SessionStatus.DISPATCH_FAILED
    assert not world.session().claim.is_unsettled
    assert (await world.looks()).repairs == {}
    assert world.livekit.count("create") == 0


async def test_an_agent_that_is_there_although_its_second_start_was_broken_off_is_seen() -> None:
    world = PhoneWorld()
    await web_session(world)
    world.livekit.opens(ROOM).people["a"] = Participant("a", ParticipantKind.AGENT, AGENT)
    world.clock.advance(11 * SECOND)
    await world.looks()
    session = world.session()
    assert session.status is SessionStatus.ACTIVE
    await world.ledger.save(session.claimed("dead", world.clock.now(), LEASE))
    world.pass_lease()

    done = await world.looks()

    assert done.repairs == {"dispatch_settled": 1}
    assert world.session().status is SessionStatus.ACTIVE
    assert not world.session().claim.is_unsettled
    assert (await world.looks()).repairs == {}


async def test_an_agent_that_nobody_here_dispatched_is_adopted() -> None:
    world = PhoneWorld()
    session = await world.claimed_session()
    world.livekit.opens(ROOM).people["a"] = Participant("a", ParticipantKind.AGENT, AGENT)
    world.pass_lease()

    assert (await world.looks()).repairs == {"agent_seen": 1}

    found = world.session()
    assert (found.id, found.status) == (session.id, SessionStatus.ACTIVE)
    assert (found.agent_identity, found.agent_adopted) == ("a", True)
    assert [entry.what for entry in found.timeline] == ["agent_adopted", "agent_joined"]
    assert world.latencies == []
    assert world.livekit.count("create") == 0


async def test_an_agent_that_is_in_the_rooms_next_instance_is_seen_there() -> None:
    world = PhoneWorld()
    await world.serves()
    world.closes()
    await world.agent_comes_late(world.session())
    new = world.joins("sip_2")
    world.clock.advance(MINUTE)

    done = await world.looks()

    assert done.repairs == {"agent_seen": 1, "call_added": 1, "call_ended": 1}
    assert world.session().room_sid == new.room_sid
    assert world.call(new).session_id == world.session().id


@pytest.mark.parametrize("again", [False, True])
async def test_given_the_room_closes_while_it_is_looked_into_then_nobody_is_noted(
    again: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    world.joins()

    async def closes() -> None:
        world.livekit.closes(ROOM)
        if again:
            world.livekit.opens(ROOM)

    done = await meanwhile(world, "participants", closes, after=True)

    assert world.storage.calls == []
    assert (done.repairs, done.problems) == ({}, [])


async def test_given_the_event_comes_meanwhile_then_the_call_is_not_counted_as_added() -> None:
    world = PhoneWorld()
    leg = world.joins()

    done = await meanwhile(world, "find", world.hears_all)

    assert world.call(leg).session_id is not None
    assert done.repairs["call_added"] == 0


async def test_given_somebody_is_faster_in_one_room_then_the_others_are_looked_into() -> None:
    world = PhoneWorld()
    legs = [world.joins(f"sip_{number}", f"room-{number}") for number in range(2)]
    await world.ledger.add(world.new_session("room-0"))

    async def claims() -> None:
        session = world.session("room-0").claimed("somebody", world.clock.now(), LEASE)
        await world.ledger.save(session)

    done = await meanwhile(world, "participants", claims)

    assert [world.call(leg).session_id is not None for leg in legs] == [False, True]
    assert done.problems == []


# Sessions without a room


@pytest.mark.parametrize(
    ("after", "reason"), [(10 * MINUTE, None), (10 * MINUTE + MOMENT, EndReason.ABANDONED)]
)
async def test_a_session_without_a_dispatch_is_abandoned_after_ten_minutes(
    after: timedelta, reason: EndReason | None
) -> None:
    world = PhoneWorld()
    session = await world.claimed_session()
    await world.ledger.save(session.with_dispatch_failed(world.clock.now(), uncertain=False))

    world.clock.advance(after)
    done = await world.looks()

    assert world.session().end_reason is reason
    assert done.repairs == ({"session_ended": 1} if reason else {})


async def test_a_session_that_was_dispatched_ends_with_its_room_however_young_it_is() -> None:
    world = PhoneWorld()
    await world.start()
    world.livekit.closes(ROOM)

    await world.looks_twice()

    assert world.session().end_reason is EndReason.ROOM_FINISHED


async def test_a_session_that_was_seen_in_a_room_ends_with_it_without_a_dispatch_of_its_own() -> (
    None
):
    world = PhoneWorld()
    await world.ledger.add(attrs.evolve(world.new_session(), room_sid="RM_gone"))

    await world.looks_twice()

    assert world.session().end_reason is EndReason.ROOM_FINISHED


async def test_a_users_agent_that_brought_the_room_back_stays_and_is_seen_there() -> None:
    world = PhoneWorld()
    session = await web_session(world)
    world.agents_join()
    await world.ledger.save(session.activated("RM_before", world.clock.now()))

    await only_for_a_reason(world).looks()

    assert world.session().status is SessionStatus.ACTIVE
    assert world.session().room_sid == world.livekit.opens(ROOM).sid


# How many rooms a cycle looks into

UNKNOWN = "abcdefghijklmnopqrst"


@pytest.mark.parametrize(
    ("rotation", "unknown", "looks"),
    [
        (3, 20, "abcdefgh01"),  # two of ten are for the others, however many have a reason
        (3, 9, "abcdefgh01"),
        (3, 8, "abcdefgh01"),
        (3, 7, "abcdefg012"),
        (3, 6, "abcdef012"),
        (1, 20, "abcdefghi0"),
        (0, 20, "abcdefghij"),
    ],
)
async def test_rooms_with_a_reason_leave_a_fifth_of_the_budget_to_the_others(
    rotation: int, unknown: int, looks: str
) -> None:
    world, watched = await quiet(calls=5, strangers=0)
    world.reconcile.choice.budget, world.reconcile.choice.rotation = 10, rotation
    for room in UNKNOWN[:unknown]:
        world.livekit.opens(room).people["user-1"] = USER

    await world.looks()

    assert "".join(watched.looked_into) == looks


async def test_rooms_where_somebody_may_wait_for_an_agent_come_first() -> None:
    world = PhoneWorld()
    await world.start(room_name="S")
    for room in "ab":
        world.livekit.opens(room)
    for room in "AB":
        world.joins("sip_1", room, LegStatus.RINGING)
        await world.hears_all()
    assert {call.status for call in world.storage.calls} == {CallStatus.RINGING}
    world.user_joins(room_name="U")
    watched = watch(world)

    await world.looks()

    assert "".join(watched.looked_into) == "ABUSab"
