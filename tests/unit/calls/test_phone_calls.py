"""A caller, an agent, and events in any order: one test for each way it can go."""

from __future__ import annotations

import json
from datetime import timedelta

import attrs
import pytest

from domain.calls.call import CallStatus
from domain.inbox.entry import InboxStatus
from domain.rooms.room import Participant, ParticipantKind
from domain.rooms.room_event import EventKind
from domain.rooms.sip_leg import LegStatus
from domain.sessions.session_status import EndReason, SessionStatus
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import CALLER, PhoneWorld, whats
from tests.unit.worlds.world import AGENT, LEASE, ROOM

SECOND = timedelta(seconds=1)


async def test_given_a_caller_joins_then_there_is_a_call_a_session_and_an_agent() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    call, session = world.call(leg), world.session()
    assert call.status is CallStatus.ACTIVE
    assert call.session_id == session.id
    assert session.status is SessionStatus.AGENT_DISPATCHED
    assert session.room_sid == leg.room_sid
    assert str(session.identity) == CALLER
    assert whats(call) == [
        ("joined", "webhook"),
        ("active", "webhook"),
        ("agent_dispatched", "api"),
    ]
    assert world.livekit.calls == ["find", "participants", "list", "create"], "one look before"


async def test_the_agent_is_told_who_calls_whom_and_that_it_is_a_telephone() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    (dispatch,) = world.dispatches()
    metadata = json.loads(dispatch.metadata)
    assert dispatch.agent_name == AGENT
    assert metadata["session_id"] == str(world.session().id)
    assert metadata["call_id"] == str(world.call(leg).id)
    assert metadata["caller_number"] == "+15105550100"
    assert metadata["called_number"] == "+15105550123"
    assert metadata["direction"] == "inbound"
    assert metadata["noise_cancellation_type"] == "telephony"
    assert metadata["greeting"]


async def test_the_metadata_is_the_same_when_the_agent_is_dispatched_again() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    (first,) = world.dispatches()
    world.agents_join()
    await world.hears_all()
    world.agents_leave()
    world.clock.advance(11 * SECOND)
    await world.hears_all()
    (second,) = world.dispatches()
    assert second.id != first.id
    assert second.metadata == first.metadata


async def test_given_the_agent_joins_then_the_session_is_active() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.agents_join()
    await world.hears_all()
    assert world.session().status is SessionStatus.ACTIVE


@pytest.mark.parametrize("agent_name", ["somebody-else", None])
async def test_another_agent_is_not_ours(agent_name: str | None) -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    stranger = Participant("agent-x", ParticipantKind.AGENT, agent_name)
    world.livekit.opens(ROOM).people["agent-x"] = stranger
    world._tell(EventKind.PARTICIPANT_JOINED, ROOM, stranger)
    await world.hears_all()
    assert world.session().status is SessionStatus.AGENT_DISPATCHED


async def test_given_the_caller_hangs_up_then_the_call_has_an_end_a_reason_and_a_duration() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    world.clock.advance(42 * SECOND)
    world.leaves(reason="CLIENT_INITIATED")
    await world.hears_all()
    call = world.call(leg)
    assert call.status is CallStatus.ENDED
    assert call.duration == 42 * SECOND
    assert call.disconnect_reason == "CLIENT_INITIATED"


async def test_given_left_comes_before_joined_then_nobody_is_dispatched() -> None:
    world = PhoneWorld()
    leg = world.joins()
    world.leaves()
    joined, left = world.told
    await world.hears(left)
    await world.works_off()
    assert world.call(leg).status is CallStatus.ENDED
    await world.hears(joined)
    await world.works_off()
    assert world.call(leg).status is CallStatus.ENDED
    assert world.dispatches() == []


async def test_given_a_connection_that_broke_before_it_was_answered_then_the_call_failed() -> None:
    world = PhoneWorld()
    leg = world.joins(status=LegStatus.RINGING)
    world.leaves(kind=EventKind.PARTICIPANT_CONNECTION_ABORTED, reason="CONNECTION_TIMEOUT")
    await world.hears_all()
    assert world.call(leg).status is CallStatus.FAILED


async def test_given_a_caller_who_hangs_up_while_it_rings_then_the_call_did_not_fail() -> None:
    world = PhoneWorld()
    leg = world.joins(status=LegStatus.RINGING)
    world.leaves()
    await world.hears_all()
    assert world.call(leg).status is CallStatus.ENDED


async def test_given_a_hang_up_before_the_dispatch_then_nobody_is_dispatched() -> None:
    """The service was down: both events wait, and the call is over."""
    world = PhoneWorld()
    leg = world.joins()
    world.clock.advance(3 * SECOND)
    world.leaves()
    world.clock.advance(4 * SECOND)
    await world.hears_all()
    assert world.call(leg).status is CallStatus.ENDED
    assert world.livekit.count("create") == 0


async def test_given_only_the_joined_event_came_late_then_livekit_is_asked_first() -> None:
    world = PhoneWorld()
    leg = world.joins()
    (joined,) = world.told
    world.leaves()
    world.clock.advance(6 * SECOND)
    await world.hears(joined)
    await world.works_off()
    world.clock.advance(2 * SECOND)
    await world.works_off()
    assert world.call(leg).status is CallStatus.ENDED
    assert world.livekit.count("create") == 0


async def test_given_a_late_event_of_a_caller_who_has_gone_then_no_live_call_is_ever_shown() -> (
    None
):
    world = PhoneWorld()
    leg = world.joins()
    (joined,) = world.told
    world.leaves()
    world.clock.advance(6 * SECOND)
    await world.hears(joined)
    shown = []
    for _ in range(5):
        await world.steps.run(
            [world.works_off()], after_each=lambda: shown.extend(world.storage.calls)
        )
        world.clock.advance(SECOND)
    assert shown
    assert not any(call.is_live for call in shown)
    assert world.call(leg).timeline[0].what == "joined"


@pytest.mark.parametrize("down", [Fault.UNREACHABLE, Fault.TIMED_OUT_BEFORE])
async def test_given_livekit_cannot_tell_then_what_the_late_event_told_is_kept(down: Fault) -> None:
    world = PhoneWorld()
    leg = world.joins()
    world.clock.advance(6 * SECOND)
    world.livekit.down = down
    await world.hears_all()
    assert world.call(leg).is_live
    assert world.call(leg).session_id is None
    world.livekit.recover()
    world.clock.advance(SECOND)
    await world.works_off()
    assert world.call(leg).session_id is not None


async def test_given_a_late_event_of_a_caller_who_is_there_then_an_agent_is_dispatched() -> None:
    world = PhoneWorld()
    leg = world.joins()
    world.clock.advance(60 * SECOND)
    await world.hears_all()
    assert world.call(leg).is_live
    assert len(world.dispatches()) == 1


async def test_given_the_room_finished_without_a_left_then_the_call_and_session_end() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    world.closes()
    await world.hears(world.told[-1])
    await world.works_off()
    call = world.call(leg)
    assert call.status is CallStatus.ENDED
    assert call.disconnect_reason == "ROOM_CLOSED"
    assert world.session().end_reason is EndReason.ROOM_FINISHED


async def test_given_room_finished_overtakes_joined_then_the_room_is_not_brought_back() -> None:
    world = PhoneWorld()
    leg = world.joins()
    world.closes()
    joined, _, finished = world.told
    await world.hears(finished, joined)
    await world.works_off()
    assert world.call(leg).status is CallStatus.ENDED
    assert world.livekit.count("create") == 0
    assert world.livekit.open == {}


async def test_given_a_caller_comes_back_then_there_are_two_calls_and_one_agent() -> None:
    world = PhoneWorld()
    first = world.joins()
    await world.hears_all()
    world.agents_join()
    world.clock.advance(5 * SECOND)
    second = world.joins()
    await world.hears_all()
    assert world.call(first).status is CallStatus.ENDED
    assert world.call(first).disconnect_reason == "DUPLICATE_IDENTITY"
    assert world.call(second).is_live
    assert world.call(first).session_id == world.call(second).session_id
    assert len(world.dispatches()) == 1


@pytest.mark.parametrize("room_sid", ["", "RM_1"])
async def test_given_events_without_the_stay_then_the_reconciler_adds_the_one_call(
    room_sid: str,
) -> None:
    world = PhoneWorld()
    stay = world.joins()
    unknown = attrs.evolve(
        stay, room_sid=room_sid, participant_sid="" if room_sid else stay.participant_sid
    )
    caller = attrs.evolve(world.livekit.opens(ROOM).people[CALLER], leg=unknown)
    world.told.clear()
    for kind in (EventKind.PARTICIPANT_JOINED, EventKind.PARTICIPANT_LEFT):
        world.emits(kind, ROOM, room_sid, world.clock.now(), caller)

    await world.hears_all()
    await world.goes_on(3)

    [call] = world.storage.calls
    assert call.leg == stay
    assert call.is_live
    assert len(world.dispatches()) == 1


async def test_given_two_phones_in_a_room_then_there_are_two_calls_and_one_agent() -> None:
    world = PhoneWorld()
    one, other = world.joins("sip_1"), world.joins("sip_2")
    await world.hears_all()
    assert world.call(one).session_id == world.call(other).session_id is not None
    assert len(world.dispatches()) == 1


async def test_given_a_name_is_used_again_then_its_calls_and_sessions_are_apart() -> None:
    world = PhoneWorld()
    old = world.joins()
    await world.hears_all()
    old_session = world.session()
    world.closes()
    world.clock.advance(SECOND)
    new = world.joins()
    assert new.room_sid != old.room_sid
    await world.hears(world.told[-1])  # and nothing of the old room's end
    await world.works_off()
    assert world.session().id != old_session.id
    assert world.call(new).session_id == world.session().id
    assert len(world.dispatches()) == 1
    await world.hears_all()
    assert world.call(old).status is CallStatus.ENDED
    assert world.call(new).is_live
    assert world.session().is_live


async def test_given_a_user_is_in_the_room_already_then_their_agent_talks_to_the_caller() -> None:
    world = PhoneWorld()
    started = await world.start()
    world.agents_join()
    leg = world.joins()
    await world.hears_all()
    assert world.call(leg).session_id == started.session.id
    assert len(world.dispatches()) == 1


async def test_given_the_agent_vanishes_from_a_live_call_then_another_is_dispatched() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.agents_join()
    world.clock.advance(60 * SECOND)
    world.agents_leave()
    await world.hears_all()
    world.agents_join()
    assert len(world.livekit.expected(ROOM)) == 1
    assert world.livekit.count("create") == 2


async def test_an_agent_that_leaves_at_once_is_replaced_five_seconds_after_its_dispatch() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.agents_join()
    world.agents_leave()
    for seconds, dispatches in ((0, 1), (4, 1), (1, 2)):
        world.clock.advance(seconds * SECOND)
        await world.hears_all()
        assert world.livekit.count("create") == dispatches


async def test_an_agent_that_leaves_at_once_is_replaced_after_a_while() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.agents_join()
    world.agents_leave()
    await world.hears_all()
    assert world.livekit.count("create") == 1
    world.clock.advance(11 * SECOND)
    await world.works_off()
    assert world.livekit.count("create") == 2


async def test_given_the_agent_leaves_after_the_caller_then_nobody_is_dispatched() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.agents_join()
    world.clock.advance(60 * SECOND)
    world.leaves()
    world.agents_leave()
    await world.hears(world.told[-1])  # the caller's hang-up is lost
    await world.works_off()
    assert world.livekit.count("create") == 1


async def test_an_event_that_comes_again_changes_nothing() -> None:
    world = PhoneWorld()
    world.joins()
    world.clock.advance(SECOND)
    await world.hears_all()
    world.agents_join()
    world.leaves()
    await world.hears_all()
    before, asked = world.storage.calls, [*world.livekit.calls]
    sessions = dict(world.storage.stored)
    await world.hears_all()
    for entry in await world.inbox.list(None, 100):
        await world.inbox.replay(entry.replayed(world.clock.now()))
    await world.works_off()
    assert world.storage.calls == before
    assert world.storage.stored == sessions
    assert world.livekit.calls == asked


async def test_given_somebody_else_dispatches_then_the_event_waits_without_a_failure() -> None:
    world = PhoneWorld()
    await world.claimed_session()
    leg = world.joins()
    await world.hears_all()
    (entry,) = await world.inbox.list(None, 10)
    assert (entry.status, entry.failures) == (InboxStatus.PENDING, 0)
    assert world.call(leg).session_id is None
    world.pass_lease()
    await world.works_off()
    assert world.call(leg).session_id is not None


async def test_given_livekit_is_down_then_the_event_waits_and_is_handled_later() -> None:
    world = PhoneWorld()
    leg = world.joins()
    world.livekit.down = Fault.UNREACHABLE
    await world.hears_all()
    (entry,) = await world.inbox.list(None, 10)
    assert (entry.status, entry.failures, entry.outages) == (InboxStatus.PENDING, 0, 1)
    assert entry.last_error == "LiveKit cannot be reached."
    world.livekit.recover()
    world.clock.advance(SECOND)
    await world.works_off()
    assert world.call(leg).session_id is not None
    assert len(world.dispatches()) == 1


@pytest.mark.parametrize(
    "down", [Fault.UNREACHABLE, Fault.TIMED_OUT_BEFORE, Fault.UNCERTAIN_BEFORE]
)
async def test_given_livekit_is_down_for_an_hour_then_no_event_is_a_dead_letter(
    down: Fault,
) -> None:
    world = PhoneWorld()
    world.joins()
    world.livekit.down = down
    await world.hears_all()
    for _ in range(60):
        world.clock.advance(60 * SECOND)
        await world.works_off()
    (entry,) = await world.inbox.list(None, 10)
    assert (entry.status, entry.failures) == (InboxStatus.PENDING, 0)
    assert entry.outages > 10
    assert entry.last_error is not None


async def test_given_livekit_refuses_ten_times_then_the_event_is_a_dead_letter() -> None:
    world = PhoneWorld()
    world.joins()
    world.livekit.down = Fault.REFUSED
    await world.hears_all()
    for _ in range(9):
        world.clock.advance(31 * SECOND)
        await world.works_off()
    (entry,) = await world.inbox.list(InboxStatus.DEAD, 10)
    assert (entry.failures, entry.outages) == (10, 0)


async def test_a_body_that_cannot_be_read_ends_as_a_dead_letter_too() -> None:
    world = PhoneWorld()
    world.joins()
    world.reader.events.clear()
    await world.hears_all()
    (entry,) = await world.inbox.list(None, 10)
    assert entry.last_error == "There is no such event."


async def test_a_defect_is_counted_and_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears(*world.told)
    monkeypatch.setattr(world.reader, "read", lambda *_: 1 / 0)
    now = world.clock.now()
    (entry,) = await world.inbox.claim("me", now, now + SECOND, 1)
    with pytest.raises(ZeroDivisionError):
        await world.process_entry(entry, "me")
    (failed,) = await world.inbox.list(None, 10)
    assert failed.failures == 1
    assert "ZeroDivisionError" in (failed.last_error or "")


async def test_given_the_session_was_ended_then_the_caller_is_looked_for_first() -> None:
    world = PhoneWorld()
    await world.start()
    await world.end()
    leg = world.joins()
    await world.hears_all()
    assert world.livekit.calls.count("participants") == 2, "for the caller, and for the agent"
    assert world.call(leg).session_id is not None


async def test_given_livekit_does_not_list_the_caller_yet_then_the_event_waits() -> None:
    world = PhoneWorld()
    await world.start()
    await world.end()
    leg = world.joins()
    caller = world.livekit.opens(ROOM).people.pop(CALLER)
    await world.hears_all()
    assert not world.known(leg)
    world.livekit.opens(ROOM).people[CALLER] = caller
    world.clock.advance(SECOND)
    await world.works_off()
    assert world.call(leg).session_id is not None


async def test_room_finished_of_an_older_instance_ends_nothing_of_the_newer_one() -> None:
    world = PhoneWorld()
    world.joins()
    world.closes()
    world.clock.advance(SECOND)
    new = world.joins()
    await world.hears(world.told[-1])
    await world.works_off()
    await world.hears_all()
    assert world.call(new).is_live
    assert world.session().is_live


async def test_given_debugging_then_anybody_who_joins_gets_an_agent() -> None:
    world = PhoneWorld(dispatch_on_any_join=True)
    user = Participant("user-1", ParticipantKind.STANDARD)
    world.livekit.opens(ROOM).people["user-1"] = user
    world._tell(EventKind.PARTICIPANT_JOINED, ROOM, user)
    await world.hears_all()
    assert len(world.dispatches()) == 1
    assert world.storage.calls == []
    assert world.session().phone is None


@pytest.mark.parametrize(
    "kind", [kind for kind in ParticipantKind if not Participant("x", kind).is_person]
)
async def test_given_debugging_then_agents_egress_and_ingress_get_none(
    kind: ParticipantKind,
) -> None:
    world = PhoneWorld(dispatch_on_any_join=True)
    who = Participant("who", kind)
    world.livekit.opens(ROOM).people["who"] = who
    world._tell(EventKind.PARTICIPANT_JOINED, ROOM, who)
    await world.hears_all()
    assert world.livekit.calls == []


async def test_given_debugging_then_who_has_gone_gets_none() -> None:
    world = PhoneWorld(dispatch_on_any_join=True)
    user = Participant("user-1", ParticipantKind.STANDARD)
    world.livekit.opens(ROOM).people["user-1"] = user
    world._tell(EventKind.PARTICIPANT_JOINED, ROOM, user)
    world.leaves("user-1")
    await world.hears_all()
    world.closes()
    await world.hears(world.told[0])
    await world.works_off()
    assert world.livekit.count("create") == 0


@pytest.mark.parametrize("again", [False, True])
async def test_given_debugging_then_another_instance_of_the_room_gets_none(again: bool) -> None:  # noqa: FBT001
    world = PhoneWorld(dispatch_on_any_join=True)
    user = Participant("user-1", ParticipantKind.STANDARD)
    for number in range(2):
        world.livekit.opens(ROOM).people["user-1"] = user
        world._tell(EventKind.PARTICIPANT_JOINED, ROOM, user)
        if number == 0:
            world.livekit.closes(ROOM)
    await world.hears(world.told[int(again)])
    await world.works_off()
    assert world.livekit.count("create") == int(again)


@pytest.mark.parametrize("other", ["user-0", "user-2"])
async def test_given_debugging_then_somebody_else_in_the_room_does_not_count(other: str) -> None:
    world = PhoneWorld(dispatch_on_any_join=True)
    gone, there = (Participant(name, ParticipantKind.STANDARD) for name in ("user-1", other))
    world.livekit.opens(ROOM).people[other] = there
    world._tell(EventKind.PARTICIPANT_JOINED, ROOM, gone)
    await world.hears_all()
    assert world.livekit.count("create") == 0


async def test_an_entry_is_done_when_it_is_handled_or_set_aside() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears(*world.told)
    [entry] = await world.inbox.list(None, 10)
    dead = entry
    while dead.status is InboxStatus.PENDING:
        assert not world.process_entry.is_done(dead)
        dead = dead.failed("no", world.clock.now())
    assert world.process_entry.is_done(dead)
    assert world.process_entry.is_done(entry.handled(world.clock.now()))


async def test_an_event_of_a_session_in_use_is_due_a_quarter_of_a_second_later() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    held = world.session().claimed("somebody", world.clock.now(), LEASE)
    await world.ledger.save(held)
    world.closes()
    await world.hears(world.told[-1])
    [entry] = await world.inbox.claim("me", world.clock.now(), world.clock.now() + SECOND, 1)
    again = await world.process_entry(entry, "me")
    assert again.due_at == world.clock.now() + SECOND / 4


async def test_without_debugging_a_user_who_joins_is_none_of_its_business() -> None:
    world = PhoneWorld()
    user = Participant("user-1", ParticipantKind.STANDARD)
    world.livekit.opens(ROOM).people["user-1"] = user
    world._tell(EventKind.PARTICIPANT_JOINED, ROOM, user)
    world._tell(EventKind.PARTICIPANT_JOINED, ROOM, None)
    await world.hears_all()
    assert world.livekit.calls == []
    assert not world.storage.stored
