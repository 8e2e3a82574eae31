"""Look for what changes without a domain event, and hint it to those who listen."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakKeyDictionary

import attrs
import structlog

from application.streaming.listener import Listener
from domain.access.access import Access
from domain.changes.change import Area, Change, News
from domain.changes.recent_changes import RecentChanges
from domain.shared.clock import Clock
from domain.shared.errors import DomainError

log = structlog.get_logger()

EVERY: Final = timedelta(seconds=1)
"""How often is looked, so that a listener gets one hint in this time at most."""
OVERLAP: Final = timedelta(seconds=5)
"""How far back each look goes: replicas' clocks differ, and commits take their time."""
PAGE: Final = 1000
"""Changes that are read at a time."""
PAGES: Final = 10
"""Of an area in one look; the next one goes on behind them."""
_MOMENT: Final = timedelta(milliseconds=1)
"""What the ledger's times differ by at least."""
_TOGETHER: Final = 32
"""Listeners that are hinted before other tasks have their turn."""
_SHOWN_BY: Final = {
    Area.API_KEYS: frozenset({Area.API_KEYS}),
    Area.DELIVERIES: frozenset({Area.DELIVERIES}),
    Area.INBOX: frozenset({Area.INBOX, Area.PARTICIPANTS}),
}
"""What is read, and in which areas its changes show."""


@attrs.define
class _Seen:
    """The changes of an area that were seen already, as far back as a look goes."""

    area: Area
    _keys: dict[tuple[object, ...], datetime] = attrs.field(factory=dict, init=False)
    _behind: datetime | None = attrs.field(default=None, init=False)
    """Where the last look ended, if there was more than it reads."""

    async def news(self, changes: RecentChanges, now: datetime) -> list[Change]:
        """Return the changes that are new."""
        news = list[Change]()
        since, self._behind = self._behind or now - OVERLAP, None
        limit = PAGE
        for _ in range(PAGES):
            found = await changes.since(self.area, since, limit)
            news += [change for change in found if change.key not in self._keys]
            self._keys |= {change.key: change.at for change in found}
            if len(found) < limit:
                break
            if found[-1].at > since:
                since, limit = found[-1].at, PAGE
            else:
                limit *= 2  # all of them are of one moment, which may have more
        else:
            self._behind = since if limit == PAGE else since + _MOMENT
        oldest = min(now - OVERLAP, since)
        self._keys = {key: at for key, at in self._keys.items() if at >= oldest}
        return news


@attrs.define(kw_only=True)
class ChangeWatch:
    """Hints to listeners in which areas something has changed, whichever process changed it.

    :meth:`run` looks for it. Nothing is read while no listener wants to know.
    """

    changes: RecentChanges
    clock: Clock
    _listeners: WeakKeyDictionary[Listener, frozenset[Area]] = attrs.field(
        factory=WeakKeyDictionary, init=False
    )
    _someone: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _seen: dict[Area, _Seen] = attrs.field(factory=dict, init=False)
    _is_out: bool = attrs.field(default=False, init=False)
    """Whether the last look failed."""
    _looked: float | None = attrs.field(default=None, init=False)
    """When the last look began."""

    def add(self, listener: Listener, areas: frozenset[Area]) -> None:
        """Hint to a listener what changes in these areas, as long as it listens."""
        if areas:
            self._listeners[listener] = areas
            self._someone.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            if not self._wanted():
                self._seen, self._looked, self._is_out = {}, None, False
                self._someone.clear()
                await self._someone.wait()
            try:
                await self.look()
            except DomainError as error:
                self._failed(str(error))
            except Exception:
                self._failed("a defect")
                log.exception("changes are not read")
            await self.clock.sleep(EVERY)

    async def look(self) -> None:
        """Hint what has changed since the last look.

        Everything, where there was none for so long that changes may have been missed.
        """
        began, is_late = self.clock.monotonic(), self._is_late()
        news = await self._news(self._wanted())
        self._is_out, self._looked = False, began
        by_access: dict[Access, frozenset[Area]] = {}
        for number, (listener, areas) in enumerate(self._present(), 1):
            access = listener.wanted.access
            if access not in by_access:
                by_access[access] = news.areas_of(access)
            if changed := areas if is_late else areas & by_access[access]:
                listener.hint(changed)
            if number % _TOGETHER == 0:
                await asyncio.sleep(0)

    async def _news(self, wanted: Collection[Area]) -> News:
        read = [area for area, shows in _SHOWN_BY.items() if not shows.isdisjoint(wanted)]
        self._seen = {area: self._seen.get(area, _Seen(area)) for area in read}
        changes = list[Change]()
        for seen in self._seen.values():
            changes += await seen.news(self.changes, self.clock.now())
        rooms = {change.room for change in changes if change.room is not None}
        if not rooms or not any(self._is_of_tenant(*each) for each in self._present()):
            return News(changes)
        return News(changes, await self.changes.owners(rooms))

    @staticmethod
    def _is_of_tenant(listener: Listener, areas: frozenset[Area]) -> bool:
        """Whether it is to know of the participants of a tenant's rooms alone."""
        return Area.PARTICIPANTS in areas and listener.wanted.access.tenants is not None

    def _present(self) -> list[tuple[Listener, frozenset[Area]]]:
        found = self._listeners.items()
        return [(each, areas) for each, areas in found if each.closing is None]

    def _wanted(self) -> frozenset[Area]:
        return frozenset[Area]().union(*(areas for _, areas in self._present()))

    def _is_late(self) -> bool:
        if self._looked is None:
            return self._is_out
        waited = self.clock.monotonic() - self._looked
        return self._is_out or waited >= OVERLAP.total_seconds()

    def _failed(self, reason: str) -> None:
        if not self._is_out:
            log.warning("changes are not read", reason=reason)
        self._is_out = True
