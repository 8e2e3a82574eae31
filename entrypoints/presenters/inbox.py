"""An entry of the inbox as JSON."""

from __future__ import annotations

import msgspec

from domain.inbox.entry import InboxEntry, InboxStatus
from entrypoints.presenters.fields import Timestamp
from entrypoints.presenters.times import rfc3339, rfc3339_or_none


class InboxEntryResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A webhook of LiveKit's, and what has become of it. Times are RFC 3339 in UTC.

    `eventId` is LiveKit's, or the body's hash where it has none. `status`: `pending`, `handled`, or
    `dead`, which is set aside until it is replayed. `failures` are failed attempts while LiveKit and
    the database answered, `outages` those while one did not; `lastError` says why the last attempt
    did not succeed, or why a pending event waits. `nextAttemptAt` is null unless it is pending.
    """  # noqa: E501 - lines of the OpenAPI document

    event_id: str
    kind: str
    room_name: str | None
    room_sid: str | None
    status: InboxStatus
    received_at: Timestamp
    handled_at: Timestamp | None
    next_attempt_at: Timestamp | None
    failures: int
    outages: int
    last_error: str | None
    body: str | msgspec.UnsetType = msgspec.UNSET


def entry_response(entry: InboxEntry, *, with_body: bool = False) -> InboxEntryResponse:
    """Return ``entry`` as operators see it; ``with_body``: with what LiveKit sent, as text."""
    event = entry.event
    return InboxEntryResponse(
        event_id=event.id,
        kind=event.kind,
        room_name=event.room_name or None,
        room_sid=event.room_sid or None,
        status=entry.status,
        received_at=rfc3339(entry.received_at),
        handled_at=rfc3339_or_none(entry.handled_at),
        next_attempt_at=rfc3339(entry.due_at) if entry.status is InboxStatus.PENDING else None,
        failures=entry.failures,
        outages=entry.outages,
        last_error=entry.last_error,
        body=event.body.decode(errors="replace") if with_body else msgspec.UNSET,
    )
