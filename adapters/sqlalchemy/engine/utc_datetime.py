"""Points in time that mean the same on every database."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, truncated to milliseconds.

    ``timestamptz(3)`` on PostgreSQL; on SQLite, which has no such type, text of the fixed form
    ``2026-01-31T12:00:00.123Z``, which sorts as the times do. Naive times are refused.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        """The column's type on ``dialect``."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(24))
        return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True, precision=3))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """From the domain to the driver."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        utc = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        # PostgreSQL would round.
        return utc.replace(microsecond=utc.microsecond // 1000 * 1000)

    def process_result_value(
        self,
        value: datetime | str | None,
        dialect: Dialect,  # noqa: ARG002 - the base class names it
    ) -> datetime | None:
        """From the driver to the domain."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return None if value is None else value.astimezone(UTC)
