"""What is read of events to decide who gets them."""

from __future__ import annotations

import attrs

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.events.domain_event import EventHead, EventKind, NewEvent
from domain.shared.identifiers import SessionId
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import NOON

Ledger = MemoryStorage | SqlStorage


async def test_heads_are_those_of_the_events(ledger: Ledger) -> None:
    before = await ledger.outbox.last_position()
    async with ledger.unit_of_work() as work:
        for number in range(1, 4):
            session = SessionId(f"00000000-0000-7000-8000-{number:012x}")
            await work.events.append(
                NewEvent(
                    kind=EventKind.SESSION_CREATED, occurred_at=NOON, source=Source.API,
                    data={"n": number}, tenant="ann", session_id=session,
                )
            )  # fmt: skip
        await work.commit()

    [first, *events] = await ledger.outbox.after(before, 9)
    heads = await ledger.outbox.heads_after(first.position, 9, [])

    names = [field.name for field in attrs.fields(EventHead)]
    assert len(heads) == 2
    for head, event in zip(heads, events, strict=True):
        assert [getattr(head, name) for name in names] == [getattr(event, name) for name in names]
    assert len(await ledger.outbox.heads_after(before, 2, [])) == 2
