"""A domain event as JSON: one body for webhooks, the stream and the command line."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from domain.access.api_key import ApiKey
from domain.agents.agent import Agent
from domain.calls.call import Call
from domain.events.domain_event import EventKind, StoredEvent
from domain.phone_numbers.phone_number import PhoneNumber
from domain.sessions.session import Session
from domain.shared.errors import Unstorable
from domain.shared.timeline import Source
from domain.webhooks.subscription import Webhook
from entrypoints.presenters.agents import agent_response
from entrypoints.presenters.api_keys import key_data
from entrypoints.presenters.calls import call_response
from entrypoints.presenters.fields import Timestamp, Uuid
from entrypoints.presenters.phone_numbers import phone_number_response
from entrypoints.presenters.sessions import session_response
from entrypoints.presenters.times import rfc3339
from entrypoints.presenters.webhooks import webhook_data

VERSION: Final = 1
"""Of the body: it rises with a change that a reader must know of. New fields may come before."""

_encoder: Final = msgspec.json.Encoder()


class EventResponse(msgspec.Struct, rename="camel", kw_only=True):
    """What happened to a session, a call or a resource. Times are RFC 3339 in UTC.

    `occurredAt` is when it happened, `createdAt` when the service learned of it. `sequence` counts
    the events of a session and of the phone call that it serves, or of a resource, from 1. `data`
    is the resource as its GET showed it when the event was made. `source` reported it.
    """

    id: Uuid
    type: EventKind
    created_at: Timestamp
    occurred_at: Timestamp
    sequence: int
    tenant: str | None
    session_id: Uuid | None
    call_id: Uuid | None
    source: Source
    version: int
    data: dict[str, Any]


def event_response(event: StoredEvent) -> EventResponse:
    """Return ``event`` as callers see it, with its data as it was stored."""
    return EventResponse(
        id=event.id.value,
        type=event.kind,
        created_at=rfc3339(event.known_at),
        occurred_at=rfc3339(event.occurred_at),
        sequence=event.sequence,
        tenant=event.tenant,
        session_id=None if event.session_id is None else event.session_id.value,
        call_id=None if event.call_id is None else event.call_id.value,
        source=event.source,
        version=VERSION,
        data=msgspec.Raw(event.data),  # type: ignore[arg-type] # it is encoded already
    )


def event_body(event: StoredEvent) -> bytes:
    """Return the JSON body of ``event``."""
    return _encoder.encode(event_response(event))


def event_frame(event: StoredEvent) -> bytes:
    """Return ``event`` as a Server-Sent Event (https://html.spec.whatwg.org/#server-sent-events).

    A line break would end its data; between values of JSON it is white space.
    """
    body = event_body(event).replace(b"\n", b" ").replace(b"\r", b" ")
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (
        event.id.value.encode(),
        event.kind.value.encode(),
        body,
    )


Resource = Session | Call | Agent | PhoneNumber | ApiKey | Webhook


def event_data(resource: Resource) -> str:
    """Return a resource as its GET shows it, without any secret, as JSON text.

    Raises :class:`~domain.shared.errors.Unstorable` for text that is no text.
    """
    try:
        return _encoder.encode(_shown(resource)).decode()
    except UnicodeEncodeError:
        raise Unstorable("A text has half of a surrogate pair.") from None


def _shown(resource: Resource) -> object:
    match resource:
        case Session():
            shown = session_response(resource)
            shown.agent_config = msgspec.Raw(resource.agent_config.text)  # type: ignore[assignment]
            return shown
        case Call():
            return call_response(resource)
        case Agent():
            return agent_response(resource)
        case PhoneNumber():
            return phone_number_response(resource)
        case ApiKey():
            return key_data(resource)
        case Webhook():
            return webhook_data(resource)
