"""Make a caller leave."""

from __future__ import annotations

import attrs

from domain.access.access import SYSTEM
from domain.calls.call import Call
from domain.rooms.rooms import Rooms
from domain.sessions.session_store import SessionStore
from domain.shared.identifiers import RoomName


@attrs.frozen
class HangUp:
    """End a call at LiveKit, whose events then end it in the ledger.

    LiveKit's API takes no SIP status with that (protocol of 2026-08): the caller's side gets the
    one that LiveKit's gateway sends for a participant that was removed.
    """

    rooms: Rooms
    ledger: SessionStore

    async def __call__(self, call: Call) -> None:
        """Delete the caller's room, or remove the caller if it is not only the caller's.

        One that has left is a success. Raises ``LiveKitError`` or ``StorageUnavailable``.
        """
        leg = call.leg
        if leg is None:
            return
        room_name = RoomName(leg.room_name)
        room = await self.rooms.find(room_name)
        if room is None or room.sid != leg.room_sid:
            return
        there = await self.rooms.participants(room)
        callers = [
            one
            for one in there
            if one.leg is not None and one.leg.participant_sid == leg.participant_sid
        ]
        if not callers:
            return
        is_shared = any(one.is_person and one not in callers for one in there)
        if is_shared or await self.ledger.live_in(room_name, SYSTEM) is not None:
            await self.rooms.remove_participant(room_name, leg.participant_identity)
        else:
            await self.rooms.delete(room_name)
