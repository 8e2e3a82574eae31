"""What a list of sessions or calls is searched by, by its beginning."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# SQLite's other indexes of these are in the order of bytes.
_ONLY_POSTGRESQL = {
    "sessions": ["room_name", "room_sid", "identity"],
    "calls": ["room_name", "from_number", "to_number"],
}
_BOTH = {"calls": ["participant_identity", "sip_call_id"]}


def _indexes() -> Iterator[tuple[str, str, list[str]]]:
    if op.get_context().dialect.name == "postgresql":
        for table, columns in _ONLY_POSTGRESQL.items():
            for column in columns:
                place = [column, "created_at", "id", "tenant"]
                yield f"ix_{table}_begins_{column}", table, place
    for table, columns in _BOTH.items():
        for column in columns:
            yield f"ix_{table}_begins_{column}", table, [column, "created_at", "id"]


def upgrade() -> None:
    for name, table, columns in _indexes():
        build_index(name, table, columns, by_bytes=columns[0])


def downgrade() -> None:
    for name, table, _ in _indexes():
        drop_index(name, table)
