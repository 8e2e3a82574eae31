"""What a worker knows of without a look at the inbox."""

from __future__ import annotations

from datetime import timedelta

from application.workers.announced import Announced
from domain.inbox.entry import InboxEntry
from domain.inbox.signal import News
from domain.inbox.webhook_verifier import WebhookEvent
from tests.unit.worlds.fakes import NOON

SECOND = timedelta(seconds=1)


def entry(event_id: str, room: str = "room-1", seconds: int = 0) -> InboxEntry:
    at = NOON + seconds * SECOND
    event = WebhookEvent(event_id, "participant_joined", room, "RM_1", b"{}")
    return InboxEntry(event=event, received_at=at, due_at=at)


def announced(*entries: InboxEntry) -> Announced:
    """Return what is known after a look that found nothing, and these events."""
    known = Announced(limit=3)
    known.looked([], was_idle=True)
    known.add([News.of(one) for one in entries])
    return known


def test_nothing_is_known_before_a_look_that_found_nothing_while_none_was_handled() -> None:
    known = Announced(limit=3)
    assert not known.is_all
    known.looked([], was_idle=False)
    assert not known.is_all
    known.looked([], was_idle=True)
    assert known.is_all


def test_the_oldest_event_of_each_free_room_is_next() -> None:
    known = announced(entry("2", seconds=1), entry("1"), entry("3", "room-2"))

    assert known.heads([], 10) == ["1", "3"]
    assert known.heads(["room-1"], 10) == ["3"]
    assert known.heads([], 1) == ["1"]


def test_the_next_of_a_room_is_known_after_the_first_was_claimed() -> None:
    first, second = entry("1"), entry("2", seconds=1)
    known = announced(first, second)

    known.claimed(["1"], [first])

    assert known.is_all
    assert known.heads([], 10) == ["2"]
    assert known.has_more("room-1")
    assert not known.has_more("room-2")


def test_given_a_new_event_that_could_not_be_leased_then_a_look_is_needed() -> None:
    known = announced(entry("1"))

    known.claimed(["1"], [])

    assert not known.is_all


def test_given_a_look_that_leased_what_was_not_announced_then_another_is_needed() -> None:
    first = entry("1")
    known = announced(first)

    known.looked([first], was_idle=True)
    assert known.is_all
    known.looked([entry("other")], was_idle=True)
    assert not known.is_all


def test_given_too_many_events_then_they_are_looked_for() -> None:
    known = announced(*(entry(str(number), f"room-{number}") for number in range(4)))

    assert not known.is_all
    assert known.heads([], 10) == []
