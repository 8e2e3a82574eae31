"""What becomes of an event whose change the storage refuses, or can't take now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.memory.inbox import MemoryInbox
from domain.inbox.entry import MAX_FAILURES, RETRY, InboxEntry, InboxStatus
from domain.inbox.process_entry import SOON, ProcessInboxEntry
from domain.shared.errors import (
    ClaimHeld,
    Conflict,
    DomainError,
    RateLimited,
    StorageUnavailable,
    Unstorable,
)
from tests.contract.storage.ledgers import new_entry
from tests.unit.worlds.fakes import NOON, FakeClock

FIRST_ATTEMPT = NOON + RETRY.longest_delay * 2


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


class Handlers:
    """Note what each is given; events of a room may be ones that teach nothing."""

    def __init__(self) -> None:
        self.rooms: list[Any] = []
        self.egresses: list[bytes] = []
        self.teaches = True

    def read(self, body: bytes, received_at: Any) -> Any:
        return (body, received_at) if self.teaches else None

    async def room(self, event: Any, _received_at: Any) -> None:
        self.rooms.append(event)

    async def egress(self, body: bytes) -> None:
        self.egresses.append(body)


async def processed(entry: InboxEntry, handlers: Handlers, *, records: bool = True) -> InboxEntry:
    """Process one entry, which is leased."""
    inbox, clock = MemoryInbox(), FakeClock()
    handle: Any = ProcessInboxEntry(
        inbox=inbox,
        reader=handlers,
        handle_room_event=handlers.room,  # type: ignore[arg-type]
        clock=clock,
        handle_egress_event=handlers.egress if records else None,  # type: ignore[arg-type]
    )
    await inbox.add(entry)
    now = clock.now() + timedelta(days=365)
    [claimed] = await inbox.claim("me", now, now + timedelta(seconds=6), 1)
    done: InboxEntry = await handle(claimed, "me")
    assert handle.is_done(done)
    return done


async def test_an_egress_s_event_is_handled_where_recordings_are_made() -> None:
    handlers, entry = Handlers(), new_entry(kind="egress_ended", body=b"egress")

    assert (await processed(entry, handlers)).status is InboxStatus.HANDLED
    assert (await processed(entry, handlers, records=False)).status is InboxStatus.HANDLED

    assert handlers.egresses == [b"egress"]
    assert handlers.rooms == []


async def test_a_room_s_event_is_handled_if_it_teaches_anything() -> None:
    handlers, entry = Handlers(), new_entry(kind="participant_joined", body=b"room")
    await processed(entry, handlers)
    handlers.teaches = False
    await processed(entry, handlers)

    assert [body for body, _ in handlers.rooms] == [b"room"]


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (ClaimHeld("held"), SOON),
        (Conflict("changed"), SOON),
        (RateLimited("too many", retry_after=9), timedelta(seconds=9)),
    ],
)
async def test_an_event_that_has_to_wait_counts_as_no_failure(
    error: DomainError, waits: timedelta
) -> None:
    entry = await after_attempts(1, error)

    assert (entry.status, entry.failures, entry.outages) == (InboxStatus.PENDING, 0, 0)
    assert entry.due_at == FIRST_ATTEMPT + waits


async def test_a_defect_counts_as_a_failure_and_is_raised() -> None:
    inbox, clock, entry = MemoryInbox(), FakeClock(), new_entry()

    async def broken(*_event: object) -> None:
        raise KeyError("a defect")

    handle: Any = ProcessInboxEntry(
        inbox=inbox,
        reader=AnyReader(),
        handle_room_event=broken,  # type: ignore[arg-type]
        clock=clock,
    )
    await inbox.add(entry)
    now = clock.now() + timedelta(days=365)
    [claimed] = await inbox.claim("me", now, now + timedelta(seconds=6), 1)

    with pytest.raises(KeyError):
        await handle(claimed, "me")

    stored = await inbox.get(entry.event.id)
    assert stored is not None
    assert (stored.failures, stored.last_error) == (1, "a defect (KeyError); see the log")
