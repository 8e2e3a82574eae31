"""How long the reconciler looks for the dispatch of a surplus agent that it removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.reconciliation.room_choice import RoomChoice, RoomLook
from domain.rooms.room import Room
from domain.sessions.agent_timeouts import TAKEN_WITHIN

ROOM = Room("room", "RM_1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_given_no_surplus_then_only_the_first_look_is_thorough() -> None:
    choice = RoomChoice()
    assert choice.is_new(ROOM, None, NOW)
    choice.looked(ROOM, RoomLook(), NOW)
    assert not choice.is_new(ROOM, None, NOW + SECOND)


def test_given_a_surplus_agent_was_removed_then_looks_are_thorough_until_its_job_is_listed() -> (
    None
):
    choice = RoomChoice()
    choice.looked(ROOM, RoomLook(had_surplus=True), NOW)
    choice.looked(ROOM, RoomLook(), NOW + SECOND)
    assert choice.is_new(ROOM, None, NOW + TAKEN_WITHIN)
    assert not choice.is_new(ROOM, None, NOW + 2 * TAKEN_WITHIN)
