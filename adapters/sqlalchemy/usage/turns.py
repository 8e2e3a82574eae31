"""A session's turns, of which each counts once although several reports may have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Executable, bindparam, delete, select

from adapters.sqlalchemy.engine.named_lock import Locked, lock_name
from adapters.sqlalchemy.usage.table import turn_latencies, usage_reports

_own: Final = turn_latencies.alias("own")
_OTHERS: Final = select(usage_reports.c.report_id).where(
    usage_reports.c.session_id == bindparam("session"),
    usage_reports.c.report_id != bindparam("report"),
)
_DELETE_REPEATED: Final = delete(turn_latencies).where(
    turn_latencies.c.report_id.in_(_OTHERS),
    turn_latencies.c.item_id.in_(
        select(_own.c.item_id).where(_own.c.report_id == bindparam("report"))
    ),
)


@attrs.frozen
class SessionTurns:
    """Adds a report's turns by ``upsert``, and deletes those of its items in other reports.

    The session's reports do so one after the other: without, two at once would not see each other.
    """

    report: str
    session: str
    upsert: Executable
    rows: Sequence[Mapping[str, Any]]

    def __call__(self, connection: Connection) -> None:
        """Carry it out in a transaction."""
        lock_name(connection, Locked.TURNS, self.session)
        values = {"session": self.session, "report": self.report}
        for row in self.rows:
            connection.execute(self.upsert, row)
        connection.execute(_DELETE_REPEATED, values)
