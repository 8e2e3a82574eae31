"""The statements of :mod:`adapters.sqlalchemy.usage.repository`, built once."""

from __future__ import annotations

from typing import Any, Final

import attrs
from sqlalchemy import Delete, Executable, Table, bindparam, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sqlalchemy.engine.bulk_statements import insert_rows
from adapters.sqlalchemy.engine.database import AT_ONCE
from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.sessions.table import sessions
from adapters.sqlalchemy.usage.table import turn_latencies, usage, usage_reports


def _replacing(insert: Any, table: Table, *kept: str) -> Executable:
    """Let ``insert`` replace a row of the same key, but for the columns ``kept``."""
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in {*keys, *kept}]
    replacing: Executable = insert.on_conflict_do_update(
        index_elements=keys, set_={name: insert.excluded[name] for name in others}
    )
    return replacing


@attrs.frozen
class Upserts:
    """Add rows, or replace those of the same key.

    ``usage`` and ``turns`` take one row on SQLite, and a list for each column on PostgreSQL.
    """

    report: Executable
    usage: Executable
    turns: Executable


SQLITE: Final = Upserts(
    report=_replacing(sqlite.insert(usage_reports), usage_reports, "kept_at"),
    usage=_replacing(sqlite.insert(usage), usage),
    turns=_replacing(sqlite.insert(turn_latencies), turn_latencies),
)
POSTGRESQL: Final = Upserts(
    report=_replacing(postgresql.insert(usage_reports), usage_reports, "kept_at"),
    usage=_replacing(insert_rows(usage), usage),
    turns=_replacing(insert_rows(turn_latencies), turn_latencies),
)

DELETE_USAGE: Final[Executable] = delete(usage).where(
    usage.c.report_id == bindparam("of_report"),
    usage.c.kind == bindparam("of_kind"),
    usage.c.provider == bindparam("of_provider"),
    usage.c.model == bindparam("of_model"),
)
MATCH: Final[Executable] = (
    update(usage_reports)
    .where(usage_reports.c.report_id == bindparam("of_report"))
    .values(
        session_id=bindparam("session_id"),
        call_id=bindparam("call_id"),
        tenant=bindparam("tenant"),
    )
)

OWNER: Final = Lookup(select(usage_reports).where(usage_reports.c.report_id == bindparam("wanted")))
OF_REPORT: Final = Lookup(select(usage).where(usage.c.report_id == bindparam("wanted")))
OF_SESSION: Final = Lookup(
    select(usage, usage_reports.c.tenant)
    .join_from(usage_reports, usage, usage.c.report_id == usage_reports.c.report_id)
    .where(usage_reports.c.session_id == bindparam("wanted"))
)

# A report is kept while its session is: it came at the session's end or before.
FORGOTTEN: Final = (
    select(usage_reports.c.report_id)
    .where(
        usage_reports.c.kept_at < bindparam("before"),
        ~exists().where(sessions.c.id == usage_reports.c.session_id),
    )
    .limit(AT_ONCE)
    .with_for_update(skip_locked=True)
)
FORGET: Final[tuple[Delete, ...]] = tuple(
    delete(table).where(table.c.report_id.in_(bindparam("reports", expanding=True)))
    for table in (turn_latencies, usage, usage_reports)
)
