"""Where acknowledged events wait to be handled."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from domain.inbox.entry import InboxEntry, InboxStatus
from domain.shared.pagination import Cursor


class Inbox(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails.

    A leased entry belongs to its holder until the lease ends. At most one entry of a room is
    leased, so that a room's events are processed one after the other by any number of processes.
    """

    @property
    def is_shared(self) -> bool:
        """Whether other replicas may add events to it."""
        ...

    async def add(self, entry: InboxEntry) -> bool:
        """Make ``entry`` durable. False, and nothing is changed, if its event is there already."""
        ...

    async def claim(
        self,
        holder: str,
        now: datetime,
        until: datetime,
        limit: int,
        working: Collection[str] = (),
    ) -> list[InboxEntry]:
        """Lease to ``holder`` up to ``limit`` pending entries that are due at ``now``.

        The oldest of each room first; none of a room in which another entry is leased, or this
        process is working on one of the events ``working``, even if that lease has lapsed or is
        lost. Where more rooms have due entries than one look sees, later claims go on with the
        others. Costs the same however many entries wait. A lease or a due time so far ahead that no
        process can have set it, since before the clock was set back, is over.
        """
        ...

    async def claim_news(
        self, holder: str, now: datetime, until: datetime, news: Collection[str]
    ) -> list[InboxEntry]:
        """Lease those of ``news``, events that were just added, that :meth:`claim` would lease.

        Cheaper, since no others are looked for; others that are due may be leased instead. The
        caller names none of a room that it is working on: its lease may be lost.
        """
        ...

    async def renew(self, holder: str, event_ids: Collection[str], until: datetime) -> int:
        """Prolong the leases that ``holder`` still has on these entries; how many it has."""
        ...

    async def settle(self, entry: InboxEntry, holder: str) -> bool:
        """Store what has become of a leased entry and give the lease back.

        False, and nothing is changed, if ``holder`` has lost it. Each claim should have a holder of
        its own, so that nothing settled late is taken for a later claim's.
        """
        ...

    async def get(self, event_id: str) -> InboxEntry | None:
        """The entry of this event."""
        ...

    async def list(  # noqa: PLR0913 - each filter is a parameter
        self,
        status: InboxStatus | None,
        limit: int,
        room_name: str | None = None,
        room_sid: str | None = None,
        after: Cursor | None = None,
        *,
        kinds: Collection[str] = (),
    ) -> list[InboxEntry]:
        """Return the newest entries, of those older than ``after``.

        Of this status, this room, this instance of it and these kinds, each if it is given.
        """
        ...

    async def counts(self) -> dict[InboxStatus, int]:
        """How many entries there are of each status."""
        ...

    async def replay(self, entry: InboxEntry) -> bool:
        """Store a dead or handled entry that was made pending again.

        False, and nothing is changed, if it is not there or is pending already.
        """
        ...

    async def has_finished(self, room_sid: str) -> bool:
        """Return whether an event is stored, processed or not, that reports this room's end."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete entries that were handled before then; how many they were."""
        ...
