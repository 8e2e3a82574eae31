"""Between the rows of the inbox and the domain's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from adapters.sqlalchemy.mapping import unreadable_row
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.webhook_verifier import WebhookEvent
from domain.shared.storable_text import storable


def entry_values(entry: InboxEntry) -> dict[str, Any]:
    """The columns of ``entry``'s row, but for its lease."""
    event = entry.event
    return {
        "event_id": event.id,
        "kind": event.kind,
        "room_name": event.room_name,
        "room_sid": event.room_sid,
        "body": event.body,
        "received_at": entry.received_at,
        "trace": entry.trace,
        **entry_moves(entry),
    }


def entry_moves(entry: InboxEntry) -> dict[str, Any]:
    """The columns that change as an event is handled; the others are never updated."""
    return {
        "due_at": entry.due_at,
        "waits_until": entry.waits_until,
        "status": entry.status.value,
        "failures": entry.failures,
        "outages": entry.outages,
        # An entry that can't be settled would be retried forever.
        "last_error": entry.last_error and storable(entry.last_error),
        "handled_at": entry.handled_at,
        "changed_at": entry.changed_at,
    }


def to_entry(row: Row[Any]) -> InboxEntry:
    """The entry that ``row`` was made from. Raises ``StorageUnavailable`` if it cannot be read."""
    try:
        status = InboxStatus(row.status)
    except ValueError:
        raise unreadable_row(f"event {row.event_id}") from None
    return InboxEntry(
        event=WebhookEvent(row.event_id, row.kind, row.room_name, row.room_sid, row.body),
        received_at=row.received_at,
        due_at=row.due_at,
        status=status,
        failures=row.failures,
        outages=row.outages,
        last_error=row.last_error,
        handled_at=row.handled_at,
        trace=row.trace,
        changed_at=row.changed_at,
    )
