"""The table of the ledger's calls, as dictionaries."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, MutableMapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from adapters.memory.capability import Capability, Mentions, ended_before
from adapters.memory.layers import held_by, layer_over
from adapters.memory.newest_first import NewestFirst
from domain.calls.call import Call
from domain.privacy.data_subject import DataSubject
from domain.shared.identifiers import CallId

Stay = tuple[str, str]
"""A room's sid and a participant's."""


@attrs.frozen(eq=False)
class CallTable(Capability):
    """Calls by id and by stay, live calls by room instance, and each room's newest one.

    Calls that are being dialled are live in room instance None. ``order`` has the committed ones.
    """

    counted_as: ClassVar[str] = "calls"

    by_id: MutableMapping[CallId, Call]
    by_stay: MutableMapping[Stay, CallId]
    live: MutableMapping[str | None, frozenset[CallId]]
    newest: MutableMapping[str, CallId]
    announce_at: MutableMapping[CallId, datetime | None] = attrs.field(factory=dict)
    order: NewestFirst = attrs.field(factory=NewestFirst)

    def layer(self) -> CallTable:
        """A table that shows this one's content and keeps what is put into it to itself."""
        return CallTable(
            layer_over(self.by_id),
            layer_over(self.by_stay),
            layer_over(self.live),
            layer_over(self.newest),
            layer_over(self.announce_at),
        )

    def merge_into(self, below: CallTable) -> None:
        """Put what this layer holds into the table ``below`` it."""
        for call_id, call in held_by(self.by_id).items():
            if call_id not in below.by_id:
                below.order.add(call.age)
        below.by_id.update(held_by(self.by_id))
        below.by_stay.update(held_by(self.by_stay))
        below.live.update(held_by(self.live))
        below.newest.update(held_by(self.newest))
        below.announce_at.update(held_by(self.announce_at))
        for room_sid, live in held_by(self.live).items():
            if not live:
                below.live.pop(room_sid, None)

    def remove(self, calls: Collection[Call]) -> int:
        """Delete committed calls; how many they were."""
        for call in calls:
            del self.by_id[call.id]
            self.announce_at.pop(call.id, None)
            if call.leg is not None:
                del self.by_stay[call.leg.room_sid, call.leg.participant_sid]
            self._note_live(call, call.room_sid, is_live=False)
        self.order.remove([call.age for call in calls])
        for room in {call.parties.room_name for call in calls}:
            self.newest.pop(room, None)
            for call in [call for call in self.by_id.values() if call.parties.room_name == room]:
                self.put(call)
        return len(calls)

    def put(self, call: Call) -> None:
        """Store ``call`` whatever was there."""
        leg, room_name = call.leg, call.parties.room_name
        self.by_id[call.id] = call
        if leg is not None:
            self.by_stay[leg.room_sid, leg.participant_sid] = call.id
            if call.placed_at is not None:
                self._note_live(call, None, is_live=False)
        self._note_live(call, call.room_sid, is_live=call.is_live)
        newest = self.newest.get(room_name)
        if newest is None or self.by_id[newest].age < call.age:
            self.newest[room_name] = call.id

    def _note_live(self, call: Call, room_sid: str | None, *, is_live: bool) -> None:
        live = self.live.get(room_sid, frozenset())
        self.live[room_sid] = live | {call.id} if is_live else live - {call.id}

    async def prune(self, before: datetime) -> int:
        """Delete calls that ended before then; how many they were."""
        return self.remove(ended_before(self.by_id.values(), before))

    def statistics(self) -> Mapping[str, Any]:
        """How many calls are live."""
        return {"live_calls": sum(map(len, self.live.values()))}

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:  # noqa: ARG002
        """The calls that mention ``person``."""
        return {
            call.id.value: call.is_live
            for call in self.by_id.values()
            if _is_mentioned(person, call)
        }

    def erase(self, keys: Collection[str]) -> None:
        """Delete calls."""
        self.remove([self.by_id[CallId(key)] for key in keys])


def _is_mentioned(person: DataSubject, call: Call) -> bool:
    """By the identity or another text; a carrier's ids are a caller's, too."""
    leg, parties = call.leg, call.parties
    texts = [parties.room_name, parties.from_number, parties.to_number]
    if call.route is not None and person.is_in_answer(json.dumps(call.route.fields)):
        return True
    if leg is not None:
        texts += [leg.sip_call_id, leg.sip_call_id_full, leg.carrier_call_id]
    return person.is_called(parties.participant_identity) or any(map(person.is_in, texts))
