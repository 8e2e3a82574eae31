"""The processes that serve on the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class Processes(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def time(self) -> datetime | None:
        """The ledger's clock; None where that is the clock of this machine."""
        ...

    async def register(self, process_id: str, now: datetime, *, alone: bool) -> None:
        """Add a process. ``alone`` frees all that others hold, because no other process runs."""
        ...

    async def beat(self, process_id: str, now: datetime) -> Mapping[str, datetime] | None:
        """When each process was seen last, after this one was seen at ``now``.

        None, and nothing is changed, if this process is no longer registered.
        """
        ...

    async def is_registered(self, process_id: str) -> bool:
        """Whether the process is there: a ledger restored from a backup knows an older one."""
        ...

    async def free(self, process_id: str, seen_at: datetime | None = None) -> bool:
        """Remove a process and free what it held: claims, leases of events and jobs, attempts.

        A session's claim keeps its holder, so that the next one asks LiveKit what was done with it.
        False, and nothing is changed, if it was seen at another time than ``seen_at``, or is gone.
        """
        ...
