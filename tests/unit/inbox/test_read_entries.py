"""What operators read of the inbox."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.read_entries import ReadEntries
from domain.inbox.webhook_verifier import WebhookEvent
from domain.shared.errors import Forbidden
from tests.unit.worlds.telephony import PhoneWorld


async def filled() -> tuple[ReadEntries, InboxEntry, InboxEntry]:
    """Return the query, and the older and the newer of two pending entries."""
    world = PhoneWorld()
    entries = []
    for name in ("older", "newer"):
        event = WebhookEvent(name, "room_finished", f"room-{name}", "RM_1", b"{}")
        world.clock.advance(timedelta(seconds=1))
        now = world.clock.now()
        entries.append(InboxEntry(event=event, received_at=now, due_at=now))
        await world.inbox.add(entries[-1])
    return ReadEntries(world.inbox), entries[0], entries[1]


async def test_the_newest_entries_are_listed_of_a_status_and_room_if_given() -> None:
    read_entries, older, newer = await filled()

    assert await read_entries.newest(None, 10, SYSTEM) == [newer, older]
    assert await read_entries.newest(InboxStatus.PENDING, 1, SYSTEM) == [newer]
    assert await read_entries.newest(None, 10, SYSTEM, room_name="room-older") == [older]
    assert await read_entries.newest(InboxStatus.DEAD, 10, SYSTEM) == []


async def test_entries_are_counted_by_status() -> None:
    read_entries, *_ = await filled()

    assert (await read_entries.counts(SYSTEM))[InboxStatus.PENDING] == 2


async def test_given_a_key_without_the_scope_admin_then_nothing_of_the_inbox_is_shown() -> None:
    read_entries, *_ = await filled()
    access = Access(tenant="ann", scopes=WORK)

    for query in (read_entries.newest(None, 10, access), read_entries.counts(access)):
        with pytest.raises(Forbidden, match="admin"):
            await query
