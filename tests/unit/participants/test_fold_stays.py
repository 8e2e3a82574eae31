"""Whatever is lost, repeated or reordered: each known participant once, rightly in or out."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calls.apply_fact import apply
from domain.calls.call import Precision
from domain.calls.call_facts import RoomClosed
from domain.participants.fold_stays import Listing, RoomEnd, RoomFacts
from domain.participants.stay import FactSource, Stay
from domain.rooms.room import Participant, ParticipantKind, Room
from domain.rooms.room_event import EventKind, RoomEvent
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import NOON, new_call, new_session

SECOND = timedelta(seconds=1)
ROOM = Room("room-1", "RM_1")
LATER = NOON + timedelta(hours=1)


@attrs.frozen
class Truth:
    """One stay as it was; ``left`` is None of who is in the room."""

    identity: str
    sid: str
    joined: datetime
    left: datetime | None

    @property
    def participant(self) -> Participant:
        kind = ParticipantKind.STANDARD
        return Participant(self.identity, kind, sid=self.sid, joined_at=self.joined, name="Ann")

    @property
    def events(self) -> list[RoomEvent]:
        """What LiveKit sends of it."""
        found = [event_of(EventKind.PARTICIPANT_JOINED, self.participant, self.joined)]
        if self.left is not None:
            found.append(event_of(EventKind.PARTICIPANT_LEFT, self.participant, self.left))
        return found


def event_of(kind: EventKind, participant: Participant, at: datetime) -> RoomEvent:
    reason = "CLIENT_INITIATED" if kind is EventKind.PARTICIPANT_LEFT else None
    return RoomEvent(kind=kind, room=ROOM, at=at, participant=participant, disconnect_reason=reason)


@st.composite
def truths(draw: st.DrawFn) -> list[Truth]:
    """Stays in one room, of identities that may come again."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        joined = NOON + draw(st.integers(0, 60)) * SECOND
        stayed = draw(st.none() | st.integers(1, 60))
        left = None if stayed is None else joined + stayed * SECOND
        identity = draw(st.sampled_from(["ann", "ben"]))
        found.append(Truth(identity, f"PA_{number}", joined, left))
    return found


@st.composite
def received(draw: st.DrawFn, events: list[RoomEvent]) -> list[RoomEvent]:
    """The events that arrive: some not at all, some twice, in any order."""
    kept = [event for event in events for _ in range(draw(st.integers(0, 2)))]
    return draw(st.permutations(kept))


def folded(
    events: list[RoomEvent], listing: Listing | None = None, end: RoomEnd | None = None
) -> list[Stay]:
    facts = RoomFacts(end)
    for event in events:
        facts.add_event(event, event.at)
    return facts.stays(listing)


@given(st.data())
def test_each_known_stay_is_there_once_and_rightly_in_or_out(data: st.DataObject) -> None:
    truth = data.draw(truths())
    events = data.draw(received([event for one in truth for event in one.events]))
    present = [one.participant for one in truth if one.left is None]
    known = {event.participant.sid for event in events if event.participant}
    known |= {participant.sid for participant in present}

    stays = {stay.participant.sid: stay for stay in folded(events, Listing("RM_1", LATER, present))}

    assert stays.keys() == known
    assert len(folded(events, Listing("RM_1", LATER, present))) == len(known)
    for one in (one for one in truth if one.sid in known):
        stay = stays[one.sid]
        assert stay.joined is not None
        assert stay.joined.at == one.joined
        assert (stay.left is None) is (one.left is None)
        if stay.left is not None and one.left is not None:
            is_reported = one.events[-1] in events
            assert (stay.left.at_is is Precision.EXACT) is is_reported
            assert stay.left.at == one.left if is_reported else stay.left.at > one.left


@given(st.data())
def test_order_and_repetition_change_nothing(data: st.DataObject) -> None:
    events = data.draw(received([event for one in data.draw(truths()) for event in one.events]))
    again = data.draw(st.permutations([*events, *events]))

    assert sorted(folded(events), key=repr) == sorted(folded(again), key=repr)


def test_given_a_lost_join_then_the_leave_says_when_it_joined() -> None:
    ann = Truth("ann", "PA_1", NOON, NOON + SECOND)

    [stay] = folded(ann.events[1:])

    assert stay.joined is not None
    assert stay.joined.at == NOON
    assert stay.left is not None
    assert stay.left.reason == "CLIENT_INITIATED"


def test_given_a_leave_that_says_no_join_then_the_join_is_unknown() -> None:
    # Where LiveKit sends no time the reader takes that of the event.
    gone = attrs.evolve(Truth("ann", "PA_1", NOON, NOON).participant, joined_at=LATER)

    [stay] = folded([event_of(EventKind.PARTICIPANT_LEFT, gone, LATER)])

    assert stay.joined is None
    assert stay.left is not None


def test_given_a_lost_leave_then_it_left_by_the_end_of_the_room_or_of_the_session() -> None:
    [joined] = Truth("ann", "PA_1", NOON, None).events
    finished = RoomEvent(kind=EventKind.ROOM_FINISHED, room=ROOM, at=NOON + SECOND)
    ended = RoomEnd(NOON + 2 * SECOND, FactSource.LEDGER)

    [by_webhook] = folded([finished, joined], end=ended)
    [by_ledger] = folded([joined], end=ended)

    assert by_webhook.left is not None
    assert (by_webhook.left.at, by_webhook.left.source) == (finished.at, FactSource.WEBHOOK)
    assert by_ledger.left is not None
    assert (by_ledger.left.at, by_ledger.left.source) == (ended.at, FactSource.LEDGER)
    assert by_ledger.left.at_is is Precision.AT_MOST


def test_given_a_new_participant_that_livekit_does_not_list_yet_then_it_is_in() -> None:
    [joined] = Truth("ann", "PA_1", NOON, None).events

    [stay] = folded([joined], Listing("RM_1", NOON + SECOND))
    [gone] = folded([joined], Listing("RM_1", NOON + 3 * SECOND))

    assert stay.left is None
    assert gone.left is not None
    assert gone.left.source is FactSource.LIVEKIT


def test_given_a_listed_participant_then_it_is_in_whatever_else_is_said() -> None:
    ann = Truth("ann", "PA_1", NOON, NOON + SECOND)

    [stay] = folded(ann.events, Listing("RM_1", LATER, [ann.participant]))

    assert stay.left is None
    assert stay.source is FactSource.WEBHOOK


def test_given_a_call_then_its_webhooks_and_the_ledger_tell_of_one_stay() -> None:
    call = new_call(ended_at=LATER, disconnect_reason="USER_REJECTED")
    leg = call.leg
    assert leg is not None
    facts = RoomFacts()
    facts.add_call(call)
    phone = Participant(
        leg.participant_identity, ParticipantKind.SIP, leg=leg, sid=leg.participant_sid
    )
    room = Room(leg.room_name, leg.room_sid)
    joined = RoomEvent(kind=EventKind.PARTICIPANT_JOINED, room=room, at=NOON, participant=phone)
    facts.add_event(joined, NOON)

    [stay] = facts.stays()

    assert stay.participant.leg == leg
    assert stay.left is not None
    assert (stay.left.at, stay.left.reason) == (LATER, "USER_REJECTED")


@pytest.mark.parametrize("source", Source)
def test_given_a_call_that_ended_with_its_room_then_its_leave_is_as_exact_as_its_duration(
    source: Source,
) -> None:
    answered = new_call(seen_active_at=NOON)
    call = apply(answered, RoomClosed(at=LATER, source=source))
    facts = RoomFacts()
    facts.add_call(call)

    [stay] = facts.stays()

    assert stay.left is not None
    assert (stay.left.at_is, call.duration_is) == (Precision.AT_MOST, Precision.AT_MOST)


def test_given_agents_of_the_ledger_then_each_is_there_once_with_or_without_webhooks() -> None:
    session = attrs.evolve(
        new_session(),
        room_sid="RM_1",
        agent_identity="agent-2",
        earlier_agents=("agent-1",),
        agent_joined_at=LATER,
    )
    facts = RoomFacts()
    facts.add_agents(session)
    agent = Participant("agent-2", ParticipantKind.AGENT, sid="PA_2", joined_at=LATER)

    unlisted = {stay.participant.identity: stay for stay in facts.stays()}
    listed = facts.stays(Listing("RM_1", LATER, [agent]))

    assert unlisted.keys() == {"agent-1", "agent-2"}
    assert unlisted["agent-1"].left is not None
    assert unlisted["agent-2"].left is None
    assert sorted(stay.participant.sid for stay in listed) == ["", "PA_2"]
