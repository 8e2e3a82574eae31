"""Deleting reports of no session, and what they brought."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs
from sqlalchemy import Connection, bindparam, delete, exists, select

from adapters.sqlalchemy.engine.database import AT_ONCE, Database
from adapters.sqlalchemy.reports import reports
from adapters.sqlalchemy.sessions.table import sessions
from adapters.sqlalchemy.transcripts.repository import forget_words
from adapters.sqlalchemy.transcripts.table import transcript_items
from domain.reports.report import meant_in

_items: Final = transcript_items.c

# Of no session: not matched, or with one that is no longer kept.
_OLD: Final = (
    select(reports.c.id, reports.c.summary)
    .where(
        reports.c.received_at < bindparam("before"),
        ~exists().where(sessions.c.id == reports.c.session_id),
    )
    .limit(AT_ONCE)
    .with_for_update(skip_locked=True)
)
_SOME_ITEMS: Final = (
    select(_items.number)
    .where(
        _items.owner.in_(bindparam("owners", expanding=True)),
        _items.report_id.in_(bindparam("reports", expanding=True)),
    )
    .limit(AT_ONCE)
)
_DELETE_ITEMS: Final = delete(transcript_items).where(_items.number.in_(_SOME_ITEMS))
_DELETE: Final = delete(reports).where(reports.c.id.in_(bindparam("reports", expanding=True)))


@attrs.frozen
class PruneReports:
    """Deletes reports after their items, which nothing would hide without them."""

    database: Database

    async def __call__(self, before: datetime) -> int:
        """Delete what came before then, some at a time; return the number of reports."""
        done, items = 0, 0

        def work(connection: Connection) -> tuple[int, int]:
            old = connection.execute(_OLD, {"before": before}).all()
            if not old:
                return 0, 0
            ids = [row.id for row in old]
            # Items of a report that is not matched may be a session's already.
            meant = (meant_in(row.summary) for row in old)
            owners = [*ids, *(session.value for session in meant if session is not None)]
            which = {"owners": owners, "reports": ids}
            if deleted := connection.execute(_DELETE_ITEMS, which).rowcount:
                return 0, deleted
            return connection.execute(_DELETE, {"reports": ids}).rowcount, 0

        while any(changed := await self.database.transact(work)):
            done, items = done + changed[0], items + changed[1]
        if items:
            await forget_words(self.database)
        return done
