"""Requests counted by all processes on a database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from cachetools import LRUCache
from sqlalchemy import (
    Column,
    Executable,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    case,
    func,
    or_,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.errors import RowLocked
from adapters.sqlalchemy.engine.group_commit import Batches, Outcome
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Scalar
from adapters.sqlalchemy.schema.metadata import metadata
from domain.access.rate_limit import WINDOW, Bucket, Permit, window_of

rate_windows: Final = Table(
    "rate_windows",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("began_at", UtcDateTime, nullable=False),
    Column("used", Integer, nullable=False),
)
Index("ix_rate_windows_began", rate_windows.c.began_at)

RATE_WINDOWS: Final = Capability(table=rate_windows)

_LANES: Final = 2
"""While one waits for a locked row, the other counts; the pool's connections are for others."""
_PROBE_EVERY: Final = 1.0
"""Seconds."""
_MOST_REMEMBERED: Final = 1000

# A row that is being counted in has a new window then, and is passed over.
_PRUNE: Final[Executable] = delete_some(rate_windows, rate_windows.c.began_at < bindparam("before"))


@attrs.frozen
class _Take:
    bucket: str
    now: datetime


class SqlRateLimiter:
    """Implements :class:`domain.access.rate_limit.RateLimiter`.

    Requests that wait together are counted together, by one statement for each bucket: a bucket
    is one row, for whose lock they would wait one after the other. They have lanes and transactions
    of their own. A bucket whose row another transaction has locked is not waited for: it is asked
    for again once a second, in a lane apart, and its requests are refused with
    :class:`~domain.shared.errors.StorageUnavailable` until then, at once.
    """

    def __init__(self, database: Database, limit: int) -> None:
        self._database = database
        self._limit = limit
        self._takes = Batches[_Take](self._count, _LANES, key=_bucket)
        self._probes = Batches[_Take](self._count, 1)
        self._locked: LRUCache[str, float] = LRUCache(_MOST_REMEMBERED)

    async def take(self, bucket: Bucket, now: datetime) -> Permit:
        """Count one more request of ``bucket``'s."""
        wanted, time = str(bucket), asyncio.get_running_loop().time()
        probe_at = self._locked.get(wanted)
        if probe_at is not None and time < probe_at:
            raise RowLocked(f"The counter of {wanted} is locked by another transaction.")
        if probe_at is not None:
            self._locked[wanted] = time + _PROBE_EVERY
        takes = self._takes if probe_at is None else self._probes
        try:
            permit: Permit = await takes.do(_Take(wanted, now))
        except RowLocked:
            self._locked[wanted] = asyncio.get_running_loop().time() + _PROBE_EVERY
            raise
        self._locked.pop(wanted, None)
        return permit

    async def prune(self, before: datetime) -> int:
        """Forget windows that began before then; how many they were."""
        return await self._database.repeat(_PRUNE, {"before": before})

    async def _count(self, takes: Sequence[_Take]) -> Sequence[Outcome]:
        now = max(take.now for take in takes)
        wanted = Counter(take.bucket for take in takes)
        counts = await self._database.apart(
            [self._counting(bucket, window_of(now), number) for bucket, number in wanted.items()]
        )
        used = dict(zip(wanted, counts, strict=True))
        outcomes: list[Outcome] = []
        for take in takes:
            count = used[take.bucket]
            if isinstance(count, BaseException):
                outcomes.append(count)
                continue
            wanted[take.bucket] -= 1
            outcomes.append(Permit.of(count - wanted[take.bucket], self._limit, now))
        return outcomes

    def _counting(self, bucket: str, window: datetime, number: int) -> Scalar:
        values = {"bucket": bucket, "window": window, "number": number, "horizon": window + WINDOW}
        statement = _COUNT_SQLITE if self._database.embedded else _COUNT
        return Scalar(statement=statement, values=values, lock=("rate_windows", bucket))


def _bucket(take: _Take) -> str:
    return take.bucket


def _counted(add: postgresql.Insert | sqlite.Insert) -> Any:
    """An upsert whose result is how many requests of the bucket's the window has by then."""
    time = rate_windows.c.began_at.type
    there, new = rate_windows.c, add.excluded
    # A process whose clock is a little behind counts in the newer window. One that is further ahead
    # was begun before the clock was set back.
    is_over = or_(there.began_at < new.began_at, there.began_at > bindparam("horizon", type_=time))
    counting = add.values(
        bucket=bindparam("bucket"),
        began_at=bindparam("window", type_=time),
        used=bindparam("number"),
    )
    return counting.on_conflict_do_update(
        index_elements=[there.bucket],
        set_={
            "used": case((is_over, new.used), else_=there.used + new.used),
            "began_at": case((is_over, new.began_at), else_=there.began_at),
        },
    ).returning(there.used)


# Built once: SQLAlchemy then finds their compiled form by identity.
_COUNT_SQLITE: Final = _counted(sqlite.insert(rate_windows))
# A crash of the server may lose the last counts, for which no request should wait.
_COUNT: Final = _counted(postgresql.insert(rate_windows)).returning(
    func.set_config("synchronous_commit", "off", true())
)
