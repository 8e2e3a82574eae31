"""What operators read of the inbox."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.read_entries import InboxFilter, ReadEntries
from domain.inbox.webhook_verifier import WebhookEvent
from domain.shared.errors import Forbidden, NotFound
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

    for query in (
        read_entries.newest(None, 10, access), read_entries.counts(access),
        read_entries.page(InboxFilter(), access), read_entries.by_id("older", access),
    ):  # fmt: skip
        with pytest.raises(Forbidden, match="admin"):
            await query


async def test_pages_go_on_where_the_last_one_ended() -> None:
    read_entries, older, newer = await filled()
    wanted = InboxFilter(status=InboxStatus.PENDING)

    first = await read_entries.page(wanted, SYSTEM, limit=1)
    second = await read_entries.page(wanted, SYSTEM, first.next, limit=1)

    assert (first.items, second.items, second.next) == ([newer], [older], None)
    assert (await read_entries.page(InboxFilter(room_sid="RM_2"), SYSTEM)).items == []
    of_room = await read_entries.page(InboxFilter(room_name="room-older"), SYSTEM)
    assert of_room.items == [older]


async def test_one_entry_is_shown_by_its_event() -> None:
    read_entries, older, _ = await filled()

    assert await read_entries.by_id("older", SYSTEM) == older
    with pytest.raises(NotFound):
        await read_entries.by_id("unknown", SYSTEM)
