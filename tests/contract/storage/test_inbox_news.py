"""Leasing events that were just added: as a claim does, without a look at the others."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.inbox.entry import InboxEntry
from domain.inbox.repository import Inbox
from tests.contract.storage.ledgers import NOON, new_entry

SECOND = timedelta(seconds=1)
LEASE = 6 * SECOND


async def claim_news(inbox: Inbox, *news: InboxEntry, holder: str = "me") -> list[InboxEntry]:
    ids = [entry.event.id for entry in news]
    return await inbox.claim_news(holder, NOON, NOON + LEASE, ids)


async def test_a_new_event_is_leased_and_can_be_settled(inbox: Inbox) -> None:
    entry = new_entry("a")
    await inbox.add(entry)

    assert await claim_news(inbox, entry) == [entry]
    assert await claim_news(inbox, entry, holder="other") == []
    assert await inbox.claim("other", NOON, NOON + LEASE, 10) == []
    assert await inbox.settle(entry.handled(NOON), "me")
    assert await claim_news(inbox, entry) == []


async def test_given_another_of_the_room_is_leased_then_a_new_event_is_not(inbox: Inbox) -> None:
    first, second = new_entry("a"), new_entry("a", received_at=NOON + SECOND)
    await inbox.add(first)
    await inbox.claim("other", NOON, NOON + LEASE, 1)
    await inbox.add(second)

    assert await claim_news(inbox, second) == []
    assert await inbox.settle(first.handled(NOON), "other")
    assert await claim_news(inbox, second) == [second]


async def test_given_an_older_event_of_the_room_then_a_new_one_is_not_leased(inbox: Inbox) -> None:
    older, newer = new_entry("a"), new_entry("a", received_at=NOON + SECOND)
    await inbox.add(older)
    await inbox.add(newer)

    assert newer not in await claim_news(inbox, newer)


async def test_given_two_new_events_of_a_room_then_only_the_older_is_leased(inbox: Inbox) -> None:
    older, newer, other = new_entry("a"), new_entry("a", received_at=NOON + SECOND), new_entry("b")
    for entry in (newer, other, older):
        await inbox.add(entry)

    found = await claim_news(inbox, newer, other, older)

    assert {entry.event.id for entry in found} == {older.event.id, other.event.id}


async def test_given_an_older_event_that_waits_then_a_new_one_of_the_room_is_leased(
    inbox: Inbox,
) -> None:
    waits, newer = new_entry("a", due_at=NOON + SECOND), new_entry("a", received_at=NOON + SECOND)
    await inbox.add(waits)
    await inbox.add(attrs.evolve(newer, due_at=NOON))

    (found,) = await claim_news(inbox, newer)
    assert found.event.id == newer.event.id


async def test_given_a_lease_in_the_room_has_lapsed_then_a_new_event_is_not_leased_yet(
    inbox: Inbox,
) -> None:
    lapsed = new_entry("a", received_at=NOON - LEASE, due_at=NOON - LEASE)
    newer = new_entry("a")
    await inbox.add(lapsed)
    assert await inbox.claim("me", NOON - LEASE, NOON - SECOND, 1) == [lapsed]
    await inbox.add(newer)

    assert await claim_news(inbox, newer) == []


async def test_an_event_that_is_handled_or_unknown_is_not_leased(inbox: Inbox) -> None:
    handled = new_entry("a").handled(NOON)
    await inbox.add(handled)

    assert await claim_news(inbox, handled, new_entry("b")) == []
