"""Between the rows of domain events and the domain's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from adapters.sqlalchemy.mapping import unreadable_row
from domain.events.domain_event import EventHead, EventKind, StoredEvent
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import CallId, EventId, SessionId
from domain.shared.timeline import Source


def to_head(row: Row[Any]) -> EventHead:
    """Return the head of an event's row. Raises ``StorageUnavailable`` for an unknown form."""
    try:
        return EventHead(
            position=row.position,
            id=EventId(row.id),
            kind=row.kind,
            lane=row.lane,
            tenant=row.tenant,
            known_at=row.known_at,
        )
    except InvalidInput:
        raise unreadable_row(f"event {row.id}") from None


def to_event(row: Row[Any]) -> StoredEvent:
    """Return the event of a row. Raises ``StorageUnavailable`` for an unknown form."""
    try:
        return StoredEvent(
            position=row.position,
            id=EventId(row.id),
            kind=EventKind(row.kind),
            lane=row.lane,
            sequence=row.sequence,
            tenant=row.tenant,
            session_id=None if row.session_id is None else SessionId(row.session_id),
            call_id=None if row.call_id is None else CallId(row.call_id),
            occurred_at=row.occurred_at,
            known_at=row.known_at,
            source=Source(row.source),
            data=row.data,
        )
    except (ValueError, TypeError, InvalidInput):
        raise unreadable_row(f"event {row.id}") from None
