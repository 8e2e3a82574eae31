"""Which rooms are looked into, given what LiveKit lists and the ledger has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from domain.agents.agent_config import AgentConfig
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import AgentDispatched, ParticipantSeen
from domain.calls.room_calls import RoomCalls, fingerprint
from domain.reconciliation.absences import Absences
from domain.reconciliation.room_choice import Reason, RoomChoice, RoomLook, agent_key
from domain.rooms.room import Room
from domain.rooms.sip_leg import LegStatus, SipLeg
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.shared.identifiers import CallId, Identity, RoomName, SessionId
from domain.shared.timeline import Source
from tests.unit.worlds.fakes import NOON
from tests.unit.worlds.world import AGENT, MOMENT

SECOND = timedelta(seconds=1)
INTERVAL = 10 * SECOND
TAKEN = 8 * SECOND

NEW = Session(
    id=SessionId("00000000-0000-7000-8000-000000000001"),
    room_name=RoomName("a"),
    identity=Identity("user-1"),
    agent_name=AGENT,
    agent_config=AgentConfig.parse(None),
    created_at=NOON,
)
DISPATCHED = NEW.with_agent_dispatched("AD_1", NOON)
ACTIVE = DISPATCHED.activated("RM_a", NOON, SeenAgent(identity="agent-1"))
FAILED = NEW.with_dispatch_failed(NOON, uncertain=False)
UNCERTAIN = NEW.with_dispatch_failed(NOON, uncertain=True)
CLAIMED = ACTIVE.claimed("me", NOON, 15 * SECOND)


def room(name: str, people: int = 1) -> Room:
    return Room(name, f"RM_{name}", people)


def call(name: str, status: LegStatus | None = LegStatus.ACTIVE, *, served: bool = True) -> Call:
    """A call in the room of this name."""
    leg = SipLeg(
        room_name=name,
        room_sid=f"RM_{name}",
        participant_sid=f"PA_{name}",
        participant_identity="sip_1",
        joined_at=NOON,
    )
    made = Call(id=CallId(f"00000000-0000-7000-a000-{ord(name):012x}"), leg=leg)
    made = apply(made, ParticipantSeen(status, NOON, Source.WEBHOOK))
    return apply(made, AgentDispatched(NEW.id, NOON)) if served else made


@attrs.define
class Choosing:
    """Rooms, what the ledger has of them, and the choice that is made again and again."""

    rooms: list[Room]
    sessions: dict[str, Session] = attrs.field(factory=dict)
    calls: list[Call] = attrs.field(factory=list)
    choice: RoomChoice = attrs.field(factory=lambda: RoomChoice(taken_within=TAKEN, rotation=0))
    absences: Absences = attrs.field(factory=lambda: Absences(INTERVAL))
    elsewhere: bool = False

    def names(self, after: timedelta = timedelta()) -> str:
        """The rooms that are looked into."""
        self.choice.forget_all_but({one.sid for one in self.rooms})
        by_reason: dict[Reason, list[Room]] = {reason: [] for reason in Reason}
        for one in self.rooms:
            reason = self.choice.reason(
                one,
                self.sessions.get(one.name),
                self.calls_in(one),
                self.absences,
                NOON + after,
            )
            by_reason[reason].append(one)
        chosen = self.choice.pick(by_reason)
        for looked in chosen:
            session = self.sessions.get(looked.name)
            look = RoomLook(
                calls=self.calls_in(looked).fingerprint,
                session_version=None if session is None else session.version,
                left_to_others=self.elsewhere,
            )
            self.choice.looked(looked, look, NOON)
        return "".join(looked.name for looked in chosen)

    def calls_in(self, there: Room) -> RoomCalls:
        """The calls of a room, summed up."""
        found = RoomCalls()
        for one in self.calls:
            if one.room_sid == there.sid and one.outline is not None:
                found.add(one.outline, doubted=self.absences.is_doubted(str(one.id)))
        return found

    def twice(self, after: timedelta = timedelta()) -> list[str]:
        """What the first look chooses, and the second one."""
        return [self.names(), self.names(after)]


# What is not known yet


def test_every_room_is_looked_into_once() -> None:
    choosing = Choosing([room("a"), room("b", people=0)], {"a": ACTIVE})
    assert choosing.twice() == ["ab", ""]


def test_another_instance_of_a_room_is_new() -> None:
    choosing = Choosing([room("a")])
    assert choosing.twice() == ["a", ""]
    choosing.rooms = [Room("a", "RM_again", 1)]
    assert choosing.names() == "a"


def test_a_room_that_was_not_listed_for_a_while_is_new() -> None:
    choosing = Choosing([room("a")])
    assert choosing.names() == "a"
    choosing.rooms = []
    assert not choosing.names()
    choosing.rooms = [room("a")]
    assert choosing.names() == "a"


@pytest.mark.parametrize("after", [ACTIVE.stored(), None])
def test_a_session_that_changed_or_ended_makes_a_room_new(after: Session | None) -> None:
    choosing = Choosing([room("a")], {"a": ACTIVE})
    assert choosing.twice() == ["a", ""]
    choosing.sessions = {} if after is None else {"a": after}
    assert choosing.choice.is_new(room("a"), after, NOON)
    assert [choosing.names(), choosing.names()] == ["a", ""]
    assert not choosing.choice.is_new(room("a"), after, NOON)


# What has changed


@pytest.mark.parametrize("people", [0, 2])
def test_people_who_come_or_go_are_a_reason_once(people: int) -> None:
    choosing = Choosing([room("a")], {"a": ACTIVE})
    assert choosing.twice() == ["a", ""]
    choosing.rooms = [room("a", people)]
    assert [choosing.names(), choosing.names()] == ["a", ""]


def test_a_call_that_comes_or_goes_is_a_reason_once() -> None:
    choosing = Choosing([room("a")], {"a": ACTIVE})
    assert choosing.twice() == ["a", ""]
    choosing.calls = [call("a")]
    assert [choosing.names(), choosing.names()] == ["a", ""]
    choosing.calls = []
    assert [choosing.names(), choosing.names()] == ["a", ""]


# Calls


@pytest.mark.parametrize("status", [LegStatus.DIALING, LegStatus.RINGING])
def test_a_call_that_was_not_answered_is_a_reason_each_time(status: LegStatus) -> None:
    assert Choosing([room("a")], {"a": ACTIVE}, [call("a", status)]).twice() == ["a", "a"]


def test_a_call_without_a_session_is_a_reason_each_time() -> None:
    assert Choosing([room("a")], {}, [call("a", served=False)]).twice() == ["a", "a"]


def test_a_call_that_another_program_serves_is_no_reason() -> None:
    choosing = Choosing([room("a")], {}, [call("a", served=False)], elsewhere=True)
    assert choosing.twice() == ["a", ""]


def test_a_call_that_was_missing_is_looked_for_again() -> None:
    choosing = Choosing([room("a")], {"a": ACTIVE}, [call("a")])
    assert choosing.twice() == ["a", ""]
    choosing.absences.begin_cycle()
    choosing.absences.note(str(call("a").id), NOON)
    assert choosing.names() == "a"


def test_calls_are_the_same_in_whatever_order_they_are_counted() -> None:
    counted = RoomCalls()
    for one in "ba":
        outline = call(one).outline
        assert outline is not None
        counted.add(outline)
    assert counted.fingerprint == fingerprint([call("a").id, call("b").id])
    assert counted.fingerprint != fingerprint([call("a").id])
    assert fingerprint([]) == RoomCalls().fingerprint


# Sessions


@pytest.mark.parametrize(
    ("session", "people", "after", "looks"),
    [
        (ACTIVE, 1, 3600 * SECOND, ""),
        (DISPATCHED, 1, TAKEN - MOMENT, ""),
        (DISPATCHED, 1, TAKEN, "a"),
        (DISPATCHED, 0, TAKEN, "a"),
        (FAILED, 1, 5 * SECOND - MOMENT, ""),
        (FAILED, 1, 5 * SECOND, "a"),
        (FAILED, 0, 5 * SECOND, ""),  # an agent would have nobody to talk to
        (NEW, 1, timedelta(), "a"),
        (NEW, 0, timedelta(), ""),
        (UNCERTAIN, 0, timedelta(), "a"),  # an agent may have been dispatched all the same
        (CLAIMED, 1, 15 * SECOND - MOMENT, ""),
        (CLAIMED, 1, 15 * SECOND, "a"),
    ],
)
def test_a_session_is_a_reason_where_its_agent_is_to_be_found_or_dispatched(
    session: Session, people: int, after: timedelta, looks: str
) -> None:
    choosing = Choosing([room("a", people)], {"a": session})
    assert choosing.twice(after) == ["a", looks]


def test_a_session_of_another_instance_is_a_reason_each_time() -> None:
    elsewhere = attrs.evolve(ACTIVE, room_sid="RM_before")
    assert Choosing([room("a")], {"a": elsewhere}).twice() == ["a", "a"]


@pytest.mark.parametrize("key", [str(ACTIVE.id), agent_key(ACTIVE)])
def test_a_room_or_an_agent_that_was_missing_is_looked_for_again(key: str) -> None:
    choosing = Choosing([room("a")], {"a": ACTIVE})
    assert choosing.twice() == ["a", ""]
    choosing.absences.begin_cycle()
    choosing.absences.note(key, NOON)
    assert choosing.names() == "a"


# In which order, and how many


def test_where_somebody_may_wait_for_an_agent_comes_first() -> None:
    choosing = Choosing(
        [room("e", people=0), room("a"), room("r"), room("u"), room("d")],
        {"a": ACTIVE, "d": FAILED},
        [call("r", LegStatus.RINGING)],
    )
    assert choosing.names(5 * SECOND) == "rudea"


def test_without_telephony_a_stranger_in_a_room_waits_for_no_agent() -> None:
    choosing = Choosing([room("e", people=0), room("u")])
    choosing.choice.telephony = False
    assert choosing.twice() == ["eu", ""]


def names_of(choosing: Choosing, cycles: int) -> Sequence[str]:
    return [choosing.names() for _ in range(cycles)]


def test_what_the_budget_leaves_out_is_looked_into_in_the_next_cycles() -> None:
    choosing = Choosing([room(name) for name in "abcdefg"])
    choosing.choice.budget = 3
    assert names_of(choosing, 4) == ["abc", "def", "g", ""]


def test_in_turn_every_room_has_its_look() -> None:
    choosing = Choosing([room(name) for name in "abc"], {"a": ACTIVE})
    choosing.names()
    choosing.choice.rotation = 2
    assert names_of(choosing, 4) == ["ab", "ac", "ab", "ac"]


def test_however_many_give_a_reason_a_fifth_of_the_budget_is_for_the_others() -> None:
    ringing = [call(name, LegStatus.RINGING) for name in "ABCDEFGHIJKL"]
    choosing = Choosing([room(name) for name in "ABCDEFGHIJKLab"], {}, ringing)
    choosing.names()
    choosing.choice.budget, choosing.choice.rotation = 10, 5
    assert choosing.names() == "ABCDEFGHab"
