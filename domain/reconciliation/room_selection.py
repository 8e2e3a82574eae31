"""Which rooms and trunks belong to other programs on the same LiveKit project."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import attrs

from domain.rooms.sip_leg import SipLeg


@attrs.frozen(kw_only=True)
class RoomSelection:
    """Names and shell patterns (``*``, ``?``, ``[…]``) of what is none of ours.

    An ignored room gets no agent unless it is asked for; a call by an ignored trunk is no call.
    """

    ignored_rooms: Sequence[str] = ()
    ignored_trunks: Sequence[str] = ()

    def ignores_room(self, room_name: str) -> bool:
        """Whether the room is none of ours."""
        return any(fnmatchcase(room_name, pattern) for pattern in self.ignored_rooms)

    def ignores_call(self, leg: SipLeg) -> bool:
        """Whether the call is none of ours."""
        return self.ignores(leg.room_name, leg.trunk_id)

    def ignores(self, room_name: str, trunk_id: str | None) -> bool:
        """Whether a call in this room, by this trunk if it has one, is none of ours."""
        if self.ignores_room(room_name):
            return True
        return trunk_id is not None and any(
            fnmatchcase(trunk_id, pattern) for pattern in self.ignored_trunks
        )
