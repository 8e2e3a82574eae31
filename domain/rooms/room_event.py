"""A LiveKit webhook event, as far as the service uses it."""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from domain.rooms.room import Participant, Room


class EventKind(enum.StrEnum):
    """The kinds that the ledger learns from (https://docs.livekit.io/home/server/webhooks/)."""

    PARTICIPANT_JOINED = "participant_joined"
    PARTICIPANT_LEFT = "participant_left"
    PARTICIPANT_CONNECTION_ABORTED = "participant_connection_aborted"
    ROOM_FINISHED = "room_finished"


@attrs.frozen(kw_only=True)
class RoomEvent:
    """One thing that happened in ``room`` at ``at`` (UTC).

    Participants' events have a ``participant``; ``disconnect_reason`` is LiveKit's name for why
    they left.
    """

    kind: EventKind
    room: Room
    at: datetime
    participant: Participant | None = None
    disconnect_reason: str | None = None
