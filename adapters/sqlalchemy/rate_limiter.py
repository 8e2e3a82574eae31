"""Requests counted by all processes on a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Executable, bindparam, case, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sqlalchemy.batches import Batches, Outcome
from adapters.sqlalchemy.database import AT_ONCE, Database
from adapters.sqlalchemy.tables import rate_windows
from domain.ports.rate_limiter import WINDOW, Bucket, Permit, window_of

_OLD: Final = (
    select(rate_windows.c.bucket)
    .where(rate_windows.c.began_at < bindparam("before", type_=rate_windows.c.began_at.type))
    .limit(AT_ONCE)
    # A row that is being counted in has a new window then, and whoever counts never waits for us.
    .with_for_update(skip_locked=True)
)
_PRUNE: Final[Executable] = delete(rate_windows).where(rate_windows.c.bucket.in_(_OLD))


@attrs.frozen
class _Take:
    bucket: str
    now: datetime


class SqlRateLimiter:
    """Implements :class:`domain.ports.rate_limiter.RateLimiter`.

    Requests that wait together are counted together, by one statement for each bucket: a bucket
    is one row, for whose lock they would wait one after the other.
    """

    def __init__(self, database: Database, limit: int) -> None:
        self._database = database
        self._limit = limit
        self._takes = Batches[_Take](self._count, lanes=1)

    async def take(self, bucket: Bucket, now: datetime) -> Permit:
        """Count one more request of ``bucket``'s."""
        permit: Permit = await self._takes.do(_Take(str(bucket), now))
        return permit

    async def prune(self, before: datetime) -> int:
        """Forget windows that began before then; how many they were."""

        def prune(connection: Connection) -> int:
            return connection.execute(_PRUNE, {"before": before}).rowcount

        return await self._database.repeat(prune)

    async def _count(self, takes: Sequence[_Take]) -> Sequence[Outcome]:
        now = max(take.now for take in takes)
        wanted = Counter(take.bucket for take in takes)

        def count(connection: Connection) -> dict[str, int]:
            # In order, so that two processes never wait for each other.
            return {
                bucket: connection.execute(
                    _counted(connection.dialect.name, bucket, window_of(now), wanted[bucket])
                ).scalar_one()
                for bucket in sorted(wanted)
            }

        used = await self._database.transact(count)
        places = {bucket: used[bucket] - wanted[bucket] for bucket in wanted}
        outcomes: list[Outcome] = []
        for take in takes:
            places[take.bucket] += 1
            outcomes.append(Permit.of(places[take.bucket], self._limit, now))
        return outcomes


def _counted(dialect: str, bucket: str, window: datetime, number: int) -> Any:
    """An upsert whose result is how many requests of the bucket's the window has by then."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    add = insert(rate_windows).values(bucket=bucket, began_at=window, used=number)
    there, new = rate_windows.c, add.excluded
    # A process whose clock is a little behind counts in the newer window. One that is further ahead
    # was begun before the clock was set back.
    is_over = or_(there.began_at < new.began_at, there.began_at > window + WINDOW)
    return add.on_conflict_do_update(
        index_elements=[there.bucket],
        set_={
            "used": case((is_over, new.used), else_=there.used + new.used),
            "began_at": case((is_over, new.began_at), else_=there.began_at),
        },
    ).returning(there.used)
