"""What a list of sessions or calls is searched by, by its beginning."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# SQLite's other indexes of these are in the order of bytes.
_ONLY_POSTGRESQL = {
    "sessions": ["room_name", "room_sid", "identity"],
    "calls": ["room_name", "from_number", "to_number"],
}
_IS_NOT_LIVE = {"sessions": "status = 'ended'", "calls": "ended_at IS NOT NULL"}
_BOTH = {"calls": ["participant_identity", "sip_call_id"]}


def _is_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _indexes() -> Iterator[tuple[str, str, str]]:
    """Each index's name, table and column."""
    for tables in (_BOTH, _ONLY_POSTGRESQL) if _is_postgresql() else (_BOTH,):
        for table, columns in tables.items():
            for column in columns:
                yield f"ix_{table}_begins_{column}", table, column


def upgrade() -> None:
    for name, table, column in _indexes():
        place = [column, "created_at", "id"]
        where = _IS_NOT_LIVE[table] if _is_postgresql() else None
        build_index(name, table, place, where=where, by_bytes=column, include=["tenant"])


def downgrade() -> None:
    for name, table, _ in _indexes():
        drop_index(name, table)
