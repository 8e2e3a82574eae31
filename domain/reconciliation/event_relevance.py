"""Which webhook events the ledger learns from."""

from __future__ import annotations

import enum
from typing import Final

import attrs

from domain.reconciliation.room_selection import RoomSelection
from domain.rooms.room import ParticipantKind, ParticipantTraits
from domain.rooms.room_event import EventKind

EGRESS_EVENTS: Final = frozenset({"egress_started", "egress_updated", "egress_ended"})
"""Of recordings (https://docs.livekit.io/home/server/webhooks/)."""


class Subject(enum.Enum):
    """What an event teaches about."""

    ROOM = "room"
    CALLER = "caller"
    AGENT = "agent"
    PERSON = "person"


@attrs.frozen(kw_only=True)
class EventRelevance:
    """The one rule of what is handled, for the receipt of an event and for its handling.

    Without ``telephony`` phone participants are participants like others. ``recordings``: whether
    egresses may make recordings.
    """

    selection: RoomSelection = attrs.field(factory=RoomSelection)
    telephony: bool = True
    recordings: bool = False

    def subject(
        self, kind: EventKind, room_name: str, participant: ParticipantTraits | None
    ) -> Subject | None:
        """Return what the event teaches about; None if it teaches nothing in any ledger."""
        if not room_name:
            return None
        if kind is EventKind.ROOM_FINISHED:
            return Subject.ROOM
        if participant is None:
            return None
        if self.telephony and participant.is_phone:
            ignored = self.selection.ignores(room_name, participant.trunk_id)
            # Without its stay it would be another call than the one that the reconciler adds.
            return None if ignored or not participant.has_stay else Subject.CALLER
        if participant.kind is ParticipantKind.AGENT:
            return Subject.AGENT
        is_join = kind is EventKind.PARTICIPANT_JOINED
        return Subject.PERSON if is_join and participant.kind.is_person else None

    def may_teach(self, kind: str, room_name: str, participant: ParticipantTraits | None) -> bool:
        """Return whether the event has to be handled.

        ``participant`` is None where the event has none, or one that cannot be judged yet.
        """
        if kind in EGRESS_EVENTS:
            return self.recordings
        try:
            known = EventKind(kind)
        except ValueError:
            return False
        if participant is None and known is not EventKind.ROOM_FINISHED:
            return bool(room_name)
        return self.subject(known, room_name, participant) is not None
