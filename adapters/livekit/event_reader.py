"""What LiveKit's webhooks tell (https://docs.livekit.io/home/server/webhooks/)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import attrs
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from adapters.livekit.event_json import parse_event
from adapters.livekit.participants import to_participant
from adapters.livekit.phone_leg import Normalised
from domain.rooms.room import Room
from domain.rooms.room_event import EventKind, RoomEvent

_REST_OF_SECOND: Final = timedelta(milliseconds=999)
_LATEST_SECOND: Final = 10**11
"""In the year 5138; a larger number counts milliseconds."""


@attrs.frozen
class LiveKitEventReader:
    """Implements :class:`domain.rooms.event_reader.EventReader`.

    ``sip_identity_prefix`` marks telephones beside those whose kind is SIP; ``normalised`` writes
    telephone numbers in the form that filters look for.
    """

    sip_identity_prefix: str
    normalised: Normalised

    def read(self, body: bytes, received_at: datetime) -> RoomEvent | None:
        """The event in ``body``; None if the ledger learns nothing from its kind."""
        event = parse_event(body)
        try:
            kind = EventKind(event.event)
        except ValueError:
            return None
        room = Room(event.room.name, event.room.sid, event.room.num_participants)
        at = _moment(event, received_at)
        if kind is EventKind.ROOM_FINISHED:
            return RoomEvent(kind=kind, room=room, at=at)
        participant = event.participant
        _complete_join_time(participant, at)
        return RoomEvent(
            kind=kind,
            room=room,
            at=at,
            participant=to_participant(
                event.room, participant, self.sip_identity_prefix, self.normalised
            ),
            disconnect_reason=_reason(participant.disconnect_reason),
        )


def _moment(event: WebhookEvent, received_at: datetime) -> datetime:
    """Return the moment of the reported second that is nearest to ``received_at``."""
    milliseconds = _milliseconds(event.created_at)
    if milliseconds is None:
        return received_at
    second = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return min(max(received_at, second), second + _REST_OF_SECOND)


def _complete_join_time(info: ParticipantInfo, seen_at: datetime) -> None:
    """Set both fields of when a participant joined; to ``seen_at`` where the event has neither."""
    milliseconds = info.joined_at_ms
    if not _LATEST_SECOND < milliseconds < _LATEST_SECOND * 1000:
        milliseconds = _milliseconds(info.joined_at) or round(seen_at.timestamp() * 1000)
    info.joined_at, info.joined_at_ms = milliseconds // 1000, milliseconds


def _milliseconds(time: int) -> int | None:
    """Return ``time``, seconds or by a sender's mistake milliseconds; None if it is no time."""
    if 0 < time < _LATEST_SECOND:
        return time * 1000
    return time if 0 < time < _LATEST_SECOND * 1000 else None


def _reason(reason: DisconnectReason) -> str | None:
    if reason == DisconnectReason.UNKNOWN_REASON:
        return None
    try:
        return DisconnectReason.Name(reason)
    except ValueError:  # newer than this protocol
        return str(int(reason))
