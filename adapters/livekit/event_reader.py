"""What LiveKit's webhooks tell (https://docs.livekit.io/home/server/webhooks/)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import attrs
from google.protobuf.json_format import Parse, ParseError
from livekit.protocol.models import DisconnectReason
from livekit.protocol.webhook import WebhookEvent

from adapters.livekit.participants import to_participant
from domain.errors import InvalidWebhook
from domain.room import Room
from domain.room_event import EventKind, RoomEvent

_REST_OF_SECOND: Final = timedelta(milliseconds=999)


@attrs.frozen
class LiveKitEventReader:
    """Implements :class:`domain.ports.event_reader.EventReader`.

    ``sip_identity_prefix`` marks telephones beside those whose kind is SIP.
    """

    sip_identity_prefix: str = "sip_"

    def read(self, body: bytes, received_at: datetime) -> RoomEvent | None:
        """The event in ``body``; None if the ledger learns nothing from its kind."""
        try:
            event = Parse(body, WebhookEvent(), ignore_unknown_fields=True)
        except (ParseError, UnicodeDecodeError, RecursionError):
            raise InvalidWebhook("The body is not a LiveKit webhook event in JSON.") from None
        try:
            kind = EventKind(event.event)
        except ValueError:
            return None
        room = Room(event.room.name, event.room.sid, event.room.num_participants)
        if kind is EventKind.ROOM_FINISHED:
            return RoomEvent(kind=kind, room=room, at=_moment(event, received_at))
        who = event.participant
        return RoomEvent(
            kind=kind,
            room=room,
            at=_moment(event, received_at),
            participant=to_participant(event.room, who, self.sip_identity_prefix),
            disconnect_reason=_reason(who.disconnect_reason),
        )


def _moment(event: WebhookEvent, received_at: datetime) -> datetime:
    """LiveKit tells the second: that moment of it which is nearest to ``received_at``."""
    if not event.created_at:
        return received_at
    try:
        second = datetime.fromtimestamp(event.created_at, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidWebhook("The event's createdAt is no time.") from None
    return min(max(received_at, second), second + _REST_OF_SECOND)


def _reason(reason: DisconnectReason) -> str | None:
    if reason == DisconnectReason.UNKNOWN_REASON:
        return None
    try:
        return DisconnectReason.Name(reason)
    except ValueError:  # newer than this protocol
        return str(int(reason))
