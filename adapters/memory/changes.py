"""What has changed lately in the process's memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from operator import attrgetter

import attrs

from adapters.memory.api_keys import MemoryApiKeys
from adapters.memory.call_table import CallTable
from adapters.memory.deliveries import MemoryDeliveries
from adapters.memory.inbox import MemoryInbox
from adapters.memory.session_table import SessionTable
from domain.changes.change import Area, Change, Room
from domain.sessions.session import Session


@attrs.frozen
class MemoryChanges:
    """Implements :class:`domain.changes.recent_changes.RecentChanges`."""

    api_keys: MemoryApiKeys
    deliveries: MemoryDeliveries
    inbox: MemoryInbox
    sessions: SessionTable
    calls: CallTable

    async def since(self, area: Area, at: datetime, limit: int) -> Sequence[Change]:
        """Return the oldest ``limit`` changes of an area at ``at`` or later, by their time."""
        if area is Area.API_KEYS:
            changes = self._of_keys()
        else:
            changes = self._of_deliveries() if area is Area.DELIVERIES else self._of_inbox()
        found = [change for change in changes if change.at >= at]
        return sorted(found, key=attrgetter("at"))[:limit]

    def _of_keys(self) -> Iterable[Change]:
        for key in self.api_keys.stored.values():
            if key.last_used_at is not None:
                used = key.last_used_at
                yield Change(area=Area.API_KEYS, key=(key.id, used), at=used)

    def _of_deliveries(self) -> Iterable[Change]:
        for one in self.deliveries.stored.values():
            at = one.settled_at or one.changed_at
            if at is not None:
                key = one.id.value, one.status, one.failures, at
                yield Change(area=Area.DELIVERIES, key=key, at=at, reach=one.reach)

    def _of_inbox(self) -> Iterable[Change]:
        for entry in self.inbox.stored.values():
            at = entry.changed_at or entry.received_at
            event = entry.event
            room = (event.room_name, event.room_sid) if event.room_name else None
            yield Change(area=Area.INBOX, key=(event.id, entry.status, at), at=at, room=room)

    async def owners(self, rooms: Collection[Room]) -> frozenset[str | None]:
        """Return the tenants of the sessions and calls that these rooms serve, or served."""
        wanted = set(rooms)
        names, sids = {name for name, _ in wanted}, {sid for _, sid in wanted}

        def is_of(session: Session) -> bool:
            if session.room_sid is None:
                return session.is_live and session.room_name.value in names
            return session.room_sid in sids

        of_sessions = [one.tenant for one in self.sessions.by_id.values() if is_of(one)]
        of_calls = [one.tenant for one in self.calls.by_id.values() if one.room_sid in sids]
        return frozenset(of_sessions + of_calls)
