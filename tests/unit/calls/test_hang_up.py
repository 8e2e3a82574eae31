"""Ending a call in LiveKit removes the caller, and no other participant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from domain.calls.call import Call
from domain.calls.hang_up import HangUp
from domain.rooms.room import Participant, ParticipantKind, Room
from domain.shared.identifiers import RoomName
from tests.contract.storage.ledgers import leg_of, new_call

CALL = new_call()
LEG = leg_of(CALL)
CALLER = Participant(LEG.participant_identity, ParticipantKind.SIP, leg=LEG)
AGENT = Participant("agent-1", ParticipantKind.AGENT, agent_name="agent")
PERSON = Participant("ann", ParticipantKind.STANDARD)


@attrs.define
class Rooms:
    """One room with participants; notes what is done to it."""

    there: Sequence[Participant]
    sid: str | None = LEG.room_sid
    done: list[str] = attrs.field(factory=list)

    async def find(self, name: RoomName) -> Room | None:
        return None if self.sid is None else Room(name.value, self.sid)

    async def participants(self, _room: Room) -> Sequence[Participant]:
        return self.there

    async def remove_participant(self, _room: RoomName, identity: str) -> None:
        self.done.append(f"removed {identity}")

    async def delete(self, _room: RoomName) -> None:
        self.done.append("deleted")


@attrs.frozen
class Ledger:
    session: Any = None

    async def live_in(self, *_: Any) -> Any:
        return self.session


async def hung_up(call: Call, rooms: Rooms, session: Any = None) -> list[str]:
    hang_up = HangUp(rooms, Ledger(session))  # type: ignore[arg-type] # what is used of them
    await hang_up(call)
    return rooms.done


@pytest.mark.parametrize("there", [[CALLER], [CALLER, AGENT]])
async def test_a_room_that_is_only_the_caller_s_is_deleted(there: list[Participant]) -> None:
    assert await hung_up(CALL, Rooms(there)) == ["deleted"]


async def test_a_caller_is_removed_from_a_room_with_others_or_a_session() -> None:
    removed = [f"removed {CALLER.identity}"]

    assert await hung_up(CALL, Rooms([CALLER, PERSON])) == removed
    assert await hung_up(CALL, Rooms([CALLER, AGENT]), session="live") == removed


async def test_nothing_is_done_where_the_caller_is_not() -> None:
    other = attrs.evolve(CALLER, leg=attrs.evolve(LEG, participant_sid="PA_other"))

    assert await hung_up(CALL, Rooms([CALLER], sid=None)) == []
    assert await hung_up(CALL, Rooms([CALLER], sid="RM_next")) == []
    assert await hung_up(CALL, Rooms([PERSON, other])) == []
