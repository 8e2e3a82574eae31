"""Calls, the inbox and leases; sessions that were started for a call."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.alter_column("room_name", type_=sa.Text(), existing_nullable=False)
        sessions.alter_column("identity", type_=sa.Text(), existing_nullable=False)
        sessions.add_column(sa.Column("call_id", sa.String(36)))
        sessions.add_column(sa.Column("direction", sa.String(16)))
        sessions.add_column(sa.Column("caller_number", sa.Text()))
        sessions.add_column(sa.Column("called_number", sa.Text()))
    op.create_index("ix_sessions_created", "sessions", ["created_at", "id"])
    op.create_index("ix_sessions_status_created", "sessions", ["status", "created_at", "id"])
    op.create_index("ix_sessions_identity_created", "sessions", ["identity", "created_at", "id"])

    op.create_table(
        "calls",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("room_name", sa.Text(), nullable=False),
        sa.Column("room_sid", sa.Text(), nullable=False),
        sa.Column("participant_sid", sa.Text(), nullable=False),
        sa.Column("participant_identity", sa.Text(), nullable=False),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("from_number", sa.Text()),
        sa.Column("to_number", sa.Text()),
        sa.Column("trunk_id", sa.Text()),
        sa.Column("dispatch_rule_id", sa.Text()),
        sa.Column("sip_call_id", sa.Text()),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ringing_at", UtcDateTime()),
        sa.Column("seen_active_at", UtcDateTime()),
        sa.Column("was_active_at_end", sa.Boolean(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("aborted", sa.Boolean(), nullable=False),
        sa.Column("disconnect_reason", sa.Text()),
        sa.Column("session_id", sa.String(36)),
        sa.Column("timeline", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("uq_calls_stay", "calls", ["room_sid", "participant_sid"], unique=True)
    _partial_index("ix_calls_live_room", "calls", ["room_sid"], "ended_at IS NULL")
    op.create_index("ix_calls_created", "calls", ["created_at", "id"])
    for name, column in (
        ("ix_calls_room_created", "room_name"),
        ("ix_calls_status_created", "status"),
        ("ix_calls_from_created", "from_number"),
        ("ix_calls_to_created", "to_number"),
    ):
        op.create_index(name, "calls", [column, "created_at", "id"])

    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("room_name", sa.Text(), nullable=False),
        sa.Column("room_sid", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("handled_at", UtcDateTime()),
        sa.Column("lease_holder", sa.Text()),
        sa.Column("lease_expires_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_status_received", "inbox", ["status", "received_at", "event_id"])
    _partial_index(
        "ix_inbox_pending_room",
        "inbox",
        ["room_name", "received_at", "event_id"],
        "status = 'pending'",
    )
    _partial_index(
        "uq_inbox_leased_room", "inbox", ["room_name"], "lease_holder IS NOT NULL", unique=True
    )
    _partial_index("ix_inbox_finished_room", "inbox", ["room_sid"], "kind = 'room_finished'")

    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def downgrade() -> None:
    op.drop_table("leases")
    op.drop_table("inbox")
    op.drop_table("calls")
    for column in ("identity", "status"):
        op.drop_index(f"ix_sessions_{column}_created", "sessions")
    op.drop_index("ix_sessions_created", "sessions")
    with op.batch_alter_table("sessions") as sessions:
        for column in ("call_id", "direction", "caller_number", "called_number"):
            sessions.drop_column(column)
        sessions.alter_column("room_name", type_=sa.String(128), existing_nullable=False)
        sessions.alter_column("identity", type_=sa.String(128), existing_nullable=False)


def _partial_index(
    name: str, table: str, columns: list[str], where: str, *, unique: bool = False
) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )
