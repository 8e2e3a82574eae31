"""What sessions have used of models, and how long their turns took."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_COUNTERS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "input_audio_tokens",
    "cached_audio_tokens",
    "input_text_tokens",
    "cached_text_tokens",
    "input_image_tokens",
    "cached_image_tokens",
    "output_tokens",
    "output_audio_tokens",
    "output_text_tokens",
    "reasoning_tokens",
    "characters",
    "requests",
    "audio_ms",
    "session_ms",
)
_LATENCIES = (
    "transcription_ms",
    "end_of_turn_ms",
    "first_token_ms",
    "first_byte_ms",
    "end_to_end_ms",
)


def upgrade() -> None:
    op.create_table(
        "usage_reports",
        sa.Column("report_id", sa.String(36), nullable=False),
        sa.Column("session_id", sa.String(36)),
        sa.Column("call_id", sa.String(36)),
        sa.Column("tenant", sa.Text()),
        sa.Column("kept_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name="pk_usage_reports"),
    )
    op.create_index("ix_usage_reports_session", "usage_reports", ["session_id"])
    op.create_index("ix_usage_reports_kept", "usage_reports", ["kept_at"])
    op.create_table(
        "usage",
        sa.Column("report_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTERS),
        sa.Column("others", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", "kind", "provider", "model", name="pk_usage"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "turn_latencies",
        sa.Column("report_id", sa.String(36), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer()) for name in _LATENCIES),
        sa.PrimaryKeyConstraint("report_id", "item_id", name="pk_turn_latencies"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("turn_latencies")
    op.drop_table("usage")
    op.drop_table("usage_reports")
