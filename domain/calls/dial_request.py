"""What the service asks LiveKit to dial."""

from __future__ import annotations

from typing import ClassVar

import attrs

from domain.rooms.sip_leg import Direction


@attrs.frozen(kw_only=True)
class DialRequest:
    """The room and the parties of a call that is being dialled, until LiveKit reports its leg.

    ``participant_identity`` is the identity that the phone participant will have. ``from_number``
    is None where the trunk's own number is used.
    """

    room_name: str
    participant_identity: str
    to_number: str
    from_number: str | None = None
    trunk_id: str | None = None
    direction: ClassVar = Direction.OUTBOUND
    direction_assumed: ClassVar = False
