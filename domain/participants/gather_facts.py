"""Read the facts about a room from its webhooks and the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import attrs

from domain.inbox.entry import InboxEntry
from domain.inbox.repository import Inbox
from domain.participants.fold_stays import RoomEnd, RoomFacts
from domain.participants.place import Place
from domain.participants.stay import FactSource
from domain.rooms.event_reader import EventReader
from domain.rooms.room_event import EventKind
from domain.shared.errors import InvalidWebhook
from domain.shared.pagination import Cursor

MOST_EVENTS: Final = 2_000
"""More of a room's webhooks are not read: those of 1,000 participants."""
_STEP: Final = 50
_MOST_INSTANCES: Final = 5
_KINDS: Final = frozenset(EventKind)


@attrs.frozen
class GatherFacts:
    """Reads at most ``most_events`` webhooks, the newest ones."""

    inbox: Inbox
    reader: EventReader
    most_events: int = MOST_EVENTS

    async def __call__(self, place: Place) -> tuple[RoomFacts, bool]:
        """Return the facts, and whether older webhooks were left out.

        Raises ``StorageUnavailable``.
        """
        session, read, is_cut = place.session, 0, False
        facts = RoomFacts()
        if session is not None and place.ended_at is not None and session.ended_at is not None:
            facts.end = RoomEnd(session.ended_at, FactSource.LEDGER)
        async for entry in self._of_instances(place):
            if is_cut := read == self.most_events:
                break
            read += 1
            self._add(entry, facts)
        if place.call is not None:
            facts.add_call(place.call)
        if session is not None:
            facts.add_agents(session)
        return facts, is_cut

    def _add(self, entry: InboxEntry, facts: RoomFacts) -> None:
        try:
            event = self.reader.read(entry.event.body, entry.received_at)
        except InvalidWebhook:
            return
        if event is not None:
            facts.add_event(event, entry.received_at)

    async def _of_instances(self, place: Place) -> AsyncIterator[InboxEntry]:
        for sid in [place.room_sid] if place.room_sid else await self._instances(place):
            async for entry in self._entries(place, sid):
                yield entry

    async def _entries(
        self, place: Place, room_sid: str | None, after: Cursor | None = None
    ) -> AsyncIterator[InboxEntry]:
        """Yield the room's webhooks about its participants, the newest first."""
        while True:
            found = await self.inbox.list(
                None, _STEP, place.room_name.value, room_sid, after, kinds=_KINDS
            )
            for entry in found:
                yield entry
            if len(found) < _STEP:
                return
            after = Cursor(*found[-1].age)

    async def _instances(self, place: Place) -> list[str]:
        """Return the room's instances that began while a session without an agent waited.

        One that is older may have been another session's.
        """
        before = None if place.ended_at is None else Cursor(place.ended_at, "")
        sids: dict[str, None] = {}
        read = self.most_events
        async for entry in self._entries(place, None, before):
            read -= 1
            if entry.received_at < place.since or not read:
                break
            if entry.event.kind == EventKind.PARTICIPANT_JOINED and entry.event.room_sid:
                sids[entry.event.room_sid] = None
        return [sid for sid in [*sids][:_MOST_INSTANCES] if await self._is_new(place, sid)]

    async def _is_new(self, place: Place, room_sid: str) -> bool:
        older = Cursor(place.since, "")
        return not await self.inbox.list(None, 1, place.room_name.value, room_sid, older)
