"""Calls: SIP's and the carrier's ids, the SIP status, and when a call was last unanswered."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Columns that may be null rewrite no row.
    op.add_column("calls", sa.Column("direction_assumed", sa.Boolean()))
    op.add_column("calls", sa.Column("unanswered_at", UtcDateTime()))
    op.add_column("calls", sa.Column("sip_call_id_full", sa.Text()))
    op.add_column("calls", sa.Column("sip_status_code", sa.Integer()))
    op.add_column("calls", sa.Column("carrier_call_id", sa.Text()))
    # Neither does a constant default.
    concluded = sa.Column("end_concluded", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("calls", concluded)


def downgrade() -> None:
    for name in (
        "end_concluded",
        "carrier_call_id",
        "sip_status_code",
        "sip_call_id_full",
        "unanswered_at",
        "direction_assumed",
    ):
        op.drop_column("calls", name)
