"""Webhook bodies → LiveKit's ``WebhookEvent``, also where one is not as protobuf wants it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import msgspec
from google.protobuf.json_format import Parse, ParseDict, ParseError
from livekit.protocol.webhook import WebhookEvent

from domain.shared.errors import InvalidWebhook

_RAW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_READ: Final = frozenset({"event", "id", "createdAt", "created_at", "room", "participant"})
_UNREAD_OF_PARTICIPANT: Final = frozenset({"tracks", "metadata"})
_READ_ATTRIBUTES: Final = ("sip.", "lk.", "backend-livekit.")

_NO_EVENT: Final = "The body is not a LiveKit webhook event in JSON."


def parse_event(body: bytes) -> WebhookEvent:
    """Return the event in ``body``, without the fields that cannot be read.

    Old servers, relays and hand-made senders put numbers where LiveKit puts strings, nulls into
    maps and the like; such an event is in the inbox, so what it says is used. Raises
    :class:`InvalidWebhook` if ``body`` is no JSON object or names no event.
    """
    try:
        event = Parse(_relevant(body), WebhookEvent(), ignore_unknown_fields=True)
    except (ParseError, UnicodeDecodeError, RecursionError):
        event = _parse_field_by_field(body)
    if not event.event:
        raise InvalidWebhook(_NO_EVENT)
    return event


def _relevant(body: bytes) -> bytes:
    """Return the event without what the ledger does not read; all of an event of another form.

    protobuf's reader is written in Python and holds the event loop: a megabyte of tracks takes it
    200 ms.
    """
    try:
        event = {key: raw for key, raw in _RAW.decode(body).items() if key in _READ}
        if "participant" in event:
            participant = {
                key: raw
                for key, raw in _RAW.decode(event["participant"]).items()
                if key not in _UNREAD_OF_PARTICIPANT
            }
            if "attributes" in participant:
                attributes = _RAW.decode(participant["attributes"]).items()
                participant["attributes"] = _raw(
                    {key: raw for key, raw in attributes if key.startswith(_READ_ATTRIBUTES)}
                )
            event["participant"] = _raw(participant)
        return msgspec.json.encode(event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body


def _raw(parts: dict[str, msgspec.Raw]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(parts))


def _parse_field_by_field(body: bytes) -> WebhookEvent:
    try:
        data = json.loads(body.decode("utf-8-sig"))
        # protobuf refuses half a surrogate pair.
        data = json.loads(json.dumps(data, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        raise InvalidWebhook(_NO_EVENT) from None
    event = WebhookEvent()
    for path, value in _fields(data):
        for form in (value, _as_text(value)):
            with suppress(ParseError, RecursionError):
                event.MergeFrom(_event_of(path, form))
                break
    return event


def _fields(data: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the smallest parts that are read each by itself, with where they are."""
    for key, value in _items(data):
        if not isinstance(value, dict):
            yield (key,), value
        for field, inner in _items(value):
            if field != "attributes":
                yield (key, field), inner
            for name, text in _items(inner) if field == "attributes" else ():
                yield (key, field, name), text


def _items(data: Any) -> Iterator[tuple[str, Any]]:
    yield from data.items() if isinstance(data, dict) else ()


def _event_of(path: tuple[str, ...], value: Any) -> WebhookEvent:
    for key in reversed(path):
        value = {key: value}
    return ParseDict(value, WebhookEvent(), ignore_unknown_fields=True)


def _as_text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, bool | int | float) else value
