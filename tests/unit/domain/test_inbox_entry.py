"""An event is handled until it succeeds, and never dropped."""

from __future__ import annotations

from datetime import timedelta

from domain.inbox import LONGEST_DELAY, MAX_FAILURES, InboxEntry, InboxStatus
from domain.ports.webhook_verifier import WebhookEvent
from tests.unit.domain.fakes import NOON

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
    assert waits[-1] == LONGEST_DELAY.total_seconds()
    dead = entry.failed("LiveKit could not be reached.", entry.due_at)
    assert (dead.status, dead.failures) == (InboxStatus.DEAD, 10)
    assert dead.last_error == "LiveKit could not be reached."
    assert dead.event == NEW.event
    assert dead.failed("no", dead.due_at).status is InboxStatus.DEAD


def test_a_replayed_event_has_all_its_attempts_again() -> None:
    dead, later = NEW, NOON + timedelta(days=1)
    while dead.status is InboxStatus.PENDING:
        dead = dead.failed("no", dead.due_at)

    again = dead.replayed(later)

    assert (again.status, again.failures, again.due_at) == (InboxStatus.PENDING, 0, later)
    assert again.last_error == "no"
    assert again.failed("no", later).status is InboxStatus.PENDING
