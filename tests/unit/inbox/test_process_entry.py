"""What becomes of an event whose change the storage refuses, or can't take now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.memory.inbox import MemoryInbox
from domain.inbox.entry import MAX_FAILURES, RETRY, InboxEntry, InboxStatus
from domain.inbox.process_entry import ProcessInboxEntry
from domain.shared.errors import DomainError, StorageUnavailable, Unstorable
from tests.contract.storage.ledgers import new_entry
from tests.unit.worlds.fakes import FakeClock


class AnyReader:
    """Reads any body as an event."""

    def read(self, body: bytes, received_at: Any) -> Any:
        return body, received_at


async def after_attempts(number: int, error: DomainError) -> InboxEntry:
    inbox, clock, entry = MemoryInbox(), FakeClock(), new_entry()

    async def handle_room_event(*_event: object) -> None:
        raise error

    handler: Any = handle_room_event
    handle = ProcessInboxEntry(
        inbox=inbox, reader=AnyReader(), handle_room_event=handler, clock=clock
    )
    await inbox.add(entry)
    for _ in range(number):
        clock.advance(RETRY.longest_delay * 2)
        now = clock.now()
        for claimed in await inbox.claim("me", now, now + timedelta(seconds=6), 10):
            await handle(claimed, "me")
    stored = await inbox.get(entry.event.id)
    assert stored is not None
    return stored


async def test_given_a_value_that_storage_refuses_then_the_event_becomes_a_dead_letter() -> None:
    refusal = Unstorable("The database refuses a value: it is too large to be stored (54000).")

    entry = await after_attempts(MAX_FAILURES, refusal)

    assert (entry.status, entry.failures, entry.outages) == (InboxStatus.DEAD, MAX_FAILURES, 0)
    assert entry.last_error == str(refusal)


@pytest.mark.parametrize("attempts", [1, MAX_FAILURES + 1])
async def test_given_storage_is_out_of_reach_then_the_event_waits(attempts: int) -> None:
    entry = await after_attempts(attempts, StorageUnavailable("The database is locked."))

    assert (entry.status, entry.failures, entry.outages) == (InboxStatus.PENDING, 0, attempts)
