"""An event is handled until it succeeds, and never dropped."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.inbox.entry import LONGEST_WAIT, MAX_FAILURES, RETRY, InboxEntry, InboxStatus
from domain.inbox.webhook_verifier import WebhookEvent
from tests.unit.worlds.fakes import NOON

NEW = InboxEntry(
    event=WebhookEvent("EV_1", "room_started", "room-1", "RM_1", b"{}"),
    received_at=NOON,
    due_at=NOON,
)


def test_a_new_event_is_due_at_once() -> None:
    assert (NEW.status, NEW.due_at) == (InboxStatus.PENDING, NEW.received_at)


def test_a_handled_event_says_when() -> None:
    done = NEW.handled(NOON + timedelta(seconds=1))

    assert (done.status, done.handled_at) == (InboxStatus.HANDLED, NOON + timedelta(seconds=1))


def test_each_failure_doubles_the_wait_up_to_a_limit_and_the_tenth_sets_it_aside() -> None:
    entry = NEW
    waits: list[float] = []
    for _ in range(MAX_FAILURES - 1):
        entry = entry.failed("LiveKit could not be reached.", entry.due_at)
        assert entry.status is InboxStatus.PENDING
        waits.append((entry.due_at - NOON - timedelta(seconds=sum(waits))).total_seconds())

    assert waits == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert waits[-1] == RETRY.longest_delay.total_seconds()
    dead = entry.failed("LiveKit could not be reached.", entry.due_at)
    assert (dead.status, dead.failures) == (InboxStatus.DEAD, 10)
    assert dead.last_error == "LiveKit could not be reached."
    assert dead.event == NEW.event
    assert dead.failed("no", dead.due_at).status is InboxStatus.DEAD


def test_each_outage_doubles_the_wait_and_an_event_waits_for_a_day() -> None:
    entry, waits = NEW, list[timedelta]()
    while entry.status is InboxStatus.PENDING:
        before = entry.due_at
        entry = entry.held_up("LiveKit could not be reached.", before)
        waits.append(entry.due_at - before)

    for number, wait in enumerate(waits[:9]):
        usual = min(timedelta(seconds=0.25 * 2**number), timedelta(seconds=30))
        assert usual <= wait <= usual * 1.25
    assert timedelta(days=1) <= sum(waits, timedelta()) <= timedelta(days=1.25)
    assert (entry.status, entry.failures) == (InboxStatus.DEAD, 0)
    assert entry.last_error == "LiveKit could not be reached."
    again = entry.replayed(NOON)
    assert (again.status, again.outages) == (InboxStatus.PENDING, 0)


def test_events_that_waited_for_the_same_outage_are_not_all_due_at_once() -> None:
    due = set()
    for number in range(100):
        event = attrs.evolve(NEW.event, id=f"EV_{number}")
        entry = attrs.evolve(NEW, event=event, outages=9)
        due.add(entry.held_up("down", NOON).due_at)
        assert entry.held_up("down", NOON) == entry.held_up("down", NOON)

    assert len(due) > 10


def test_an_outage_is_no_failure_and_a_failure_no_outage() -> None:
    entry = NEW
    for _ in range(MAX_FAILURES - 1):
        entry = entry.held_up("down", NOON).failed("no", NOON).held_up("down", NOON)

    assert (entry.status, entry.failures) == (InboxStatus.PENDING, MAX_FAILURES - 1)


def test_an_event_that_came_too_early_says_why_it_waits_and_never_waits_for_long() -> None:
    entry = NEW.deferred("The agent is on its way.", NOON, NOON + timedelta(hours=1))

    assert (entry.due_at, entry.failures) == (NOON + LONGEST_WAIT, 0)
    assert entry.last_error == "The agent is on its way."


def test_a_replayed_event_has_all_its_attempts_again() -> None:
    dead, later = NEW, NOON + timedelta(days=1)
    while dead.status is InboxStatus.PENDING:
        dead = dead.failed("no", dead.due_at)

    again = dead.replayed(later)

    assert (again.status, again.failures, again.due_at) == (InboxStatus.PENDING, 0, later)
    assert again.last_error == "no"
    assert again.failed("no", later).status is InboxStatus.PENDING
