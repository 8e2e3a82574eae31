"""Announce the ends of sessions and calls that nothing has corrected for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

import attrs

from domain.access.access import SYSTEM, Access
from domain.calls.call import Call
from domain.calls.call_events import end_announced
from domain.calls.repository import CallWork
from domain.sessions.session import Session
from domain.shared.clock import Clock
from domain.shared.errors import Conflict, StorageUnavailable
from domain.shared.unit_of_work import UnitOfWorkFactory

AT_ONCE: Final = 100

Entity = TypeVar("Entity")


@attrs.frozen
class AnnounceEnds:
    """Append the events of ends that were concluded and have not been undone.

    They are found in the ledger, so that no crash loses one; of two processes that announce the
    same one, the storage refuses one.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    clock: Clock

    async def __call__(self) -> int:
        """Announce those that are due, up to some hundreds; return how many they were.

        Raises ``StorageUnavailable``.
        """
        unreadable: list[StorageUnavailable] = []
        now = self.clock.now()
        async with self.unit_of_work() as work:
            sessions = await _due(partial(work.sessions.ends_due, now), unreadable)
            calls = await _due(partial(work.calls.ends_due, now), unreadable)
        outcomes = await asyncio.gather(
            *map(self._announce_session, sessions),
            *map(self._announce_call, calls),
            return_exceptions=True,
        )
        for failed in (*outcomes, *unreadable):
            if isinstance(failed, BaseException):
                raise failed
        return outcomes.count(True)

    async def _announce_session(self, session: Session) -> bool:
        try:
            async with self.unit_of_work() as work:
                await work.sessions.save(session.end_announced())
                await work.commit()
        except Conflict:  # it has changed: another process did it, or the end was undone
            return False
        return True

    async def _announce_call(self, call: Call) -> bool:
        try:
            async with self.unit_of_work() as work:
                await work.calls.save(end_announced(call))
                await work.commit()
        except Conflict:
            return False
        return True


async def _due(
    find: Callable[[int, list[StorageUnavailable], Access], Awaitable[list[Entity]]],
    unreadable: list[StorageUnavailable],
) -> list[Entity]:
    """Return what is due; those that cannot be read hide no later one."""
    limit = AT_ONCE
    while True:
        failed: list[StorageUnavailable] = []
        found = await find(limit, failed, SYSTEM)
        if found or len(failed) < limit:
            unreadable += failed
            return found
        limit *= 2
