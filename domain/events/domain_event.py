"""Domain events: what happened to a session, a call or a resource, as others learn of it."""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from domain.shared.identifiers import CallId, EventId, SessionId
from domain.shared.pagination import Cursor
from domain.shared.timeline import Source

MOST_SEQUENCE: Final = 2**31 - 1
"""The highest sequence that can be stored."""


class EventKind(enum.StrEnum):
    """The kinds of domain events (docs/events.md)."""

    SESSION_CREATED = "session.created"
    SESSION_AGENT_DISPATCHED = "session.agent_dispatched"
    SESSION_AGENT_JOINED = "session.agent_joined"
    SESSION_AGENT_LEFT = "session.agent_left"
    SESSION_FAILED = "session.failed"
    SESSION_ENDED = "session.ended"
    SESSION_CORRECTED = "session.corrected"
    CALL_CREATED = "call.created"
    CALL_RINGING = "call.ringing"
    CALL_ANSWERED = "call.answered"
    CALL_AGENT_DISPATCHED = "call.agent_dispatched"
    CALL_ENDED = "call.ended"
    CALL_FAILED = "call.failed"
    CALL_CORRECTED = "call.corrected"
    TRANSCRIPT_READY = "transcript.ready"
    RECORDING_READY = "recording.ready"
    USAGE_READY = "usage.ready"
    AGENT_CREATED = "agent.created"
    AGENT_UPDATED = "agent.updated"
    AGENT_ACTIVATED = "agent.activated"
    AGENT_DELETED = "agent.deleted"
    PHONE_NUMBER_CREATED = "phone_number.created"
    PHONE_NUMBER_UPDATED = "phone_number.updated"
    PHONE_NUMBER_DELETED = "phone_number.deleted"
    API_KEY_CREATED = "api_key.created"
    API_KEY_UPDATED = "api_key.updated"
    API_KEY_REVOKED = "api_key.revoked"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_UPDATED = "webhook.updated"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_TEST = "webhook.test"


@attrs.frozen
class News:
    """What a move of a session or a fact of a call gives others to know: not stored yet."""

    kind: EventKind
    at: datetime
    source: Source


@attrs.frozen(kw_only=True)
class NewEvent:
    """An event that a unit of work appends by itself.

    ``data`` is the resource as the API shows it: JSON data, or JSON in UTF-8.
    """

    kind: EventKind
    occurred_at: datetime
    source: Source
    data: Mapping[str, Any] | bytes
    tenant: str | None = None
    session_id: SessionId | None = None
    call_id: CallId | None = None

    @property
    def text(self) -> str:
        """The data as JSON text."""
        if isinstance(self.data, bytes):
            return self.data.decode()
        return json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))


@attrs.frozen(kw_only=True)
class DomainEvent:
    """An event with its name and its lane, which has no place yet.

    The events of a phone call and of the session that serves it share a ``lane`` and are in one
    order, as are those of a resource, whose lane is its id. ``occurred_at`` is when it happened,
    ``known_at`` when the ledger learned of it.
    """

    id: EventId
    kind: EventKind
    lane: str
    tenant: str | None
    session_id: SessionId | None
    call_id: CallId | None
    occurred_at: datetime
    known_at: datetime
    source: Source
    data: str


@attrs.frozen(kw_only=True)
class EventHead:
    """What decides who gets an event in the outbox.

    ``kind`` is text: a newer version of the service may have written one that this one does not
    know.
    """

    position: int
    id: EventId
    kind: str
    lane: str
    tenant: str | None
    known_at: datetime


@attrs.frozen(kw_only=True)
class StoredEvent(DomainEvent):
    """An event in the outbox: ``position`` in its whole, ``sequence`` (from 1) in its lane."""

    position: int
    sequence: int

    @property
    def age(self) -> tuple[datetime, str]:
        """Return its place in the list of its lane, as of records whose id is a UUID."""
        return self.known_at, str(uuid.UUID(int=self.sequence))

    @staticmethod
    def sequence_at(place: Cursor) -> int:
        """Return the sequence of the event whose :attr:`age` is ``place``."""
        return min(uuid.UUID(place.id).int, MOST_SEQUENCE)
