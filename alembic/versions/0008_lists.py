"""Lists: indexes that serve every filter and pairs of filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

Indexes = Mapping[str, tuple[str, Sequence[str], str | None]]
"""By name: the table, the columns before ``created_at`` and ``id``, the condition."""

UNOWNED, OWNED = "tenant IS NULL", "tenant IS NOT NULL"

REDUNDANT: Indexes = {
    "ix_sessions_status_created": ("sessions", ["status"], None),
    "ix_sessions_identity_created": ("sessions", ["identity"], None),
    "ix_sessions_tenant_created": ("sessions", ["tenant"], OWNED),
    "ix_calls_status_created": ("calls", ["status"], None),
    "ix_calls_from_created": ("calls", ["from_number"], None),
    "ix_calls_to_created": ("calls", ["to_number"], None),
    "ix_calls_tenant_created": ("calls", ["tenant"], OWNED),
}


def _new() -> Indexes:
    """Each names itself in its condition, so that only the query that is meant for it uses it."""
    few = ["direction", "status"]
    shapes: list[tuple[str, str, Sequence[str], str | None]] = [
        ("sessions", "unowned_status", ["status"], UNOWNED),
        ("sessions", "unowned_identity", ["identity", "status"], UNOWNED),
        ("sessions", "owned_status", ["status"], OWNED),
        ("sessions", "owned_identity", ["identity", "status"], OWNED),
        ("sessions", "tenant_status", ["tenant", "status"], OWNED),
        ("sessions", "tenant_identity", ["tenant", "identity"], OWNED),
        ("calls", "from_to", ["from_number", "to_number"], None),
        ("calls", "unowned_status", few, UNOWNED),
        ("calls", "unowned_from", ["from_number", *few], UNOWNED),
        ("calls", "unowned_to", ["to_number", *few], UNOWNED),
        ("calls", "owned_status", few, OWNED),
        ("calls", "owned_from", ["from_number", *few], OWNED),
        ("calls", "owned_to", ["to_number", *few], OWNED),
        ("calls", "tenant_status", ["tenant", *few], OWNED),
        ("calls", "tenant_from", ["tenant", "from_number"], OWNED),
        ("calls", "tenant_to", ["tenant", "to_number"], OWNED),
    ]
    indexes = {}
    for table, what, columns, half in shapes:
        name = f"ix_{table}_{what}"
        named = f"id != '{name}'"
        indexes[name] = (table, columns, named if half is None else f"{half} AND {named}")
    return indexes


def upgrade() -> None:
    _replace(REDUNDANT, _new())


def downgrade() -> None:
    _replace(_new(), REDUNDANT)


def _replace(old: Indexes, new: Indexes) -> None:
    """Make the new ones before the old ones go: no list is without an index meanwhile."""
    for name, (table, columns, where) in new.items():
        build_index(name, table, [*columns, "created_at", "id"], where=where)
    for name, (table, _, _) in old.items():
        drop_index(name, table)
