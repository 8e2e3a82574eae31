"""How long records are kept."""

from __future__ import annotations

from datetime import timedelta

import attrs

from entrypoints.settings import parsers
from entrypoints.settings.variable import optional


@attrs.frozen(kw_only=True, slots=False)
class RetentionSettings:
    """How long records are kept; None: they are not deleted."""

    inbox_retention: timedelta = optional(
        "INBOX_RETENTION_DAYS", parsers.days(0.01, 3650), timedelta(days=7)
    )
    event_retention: timedelta = optional(
        "EVENT_RETENTION_DAYS", parsers.days(2, 3650), timedelta(days=7)
    )
    session_retention: timedelta | None = optional(
        "SESSION_RETENTION_DAYS", parsers.days(0.01, 36500), None
    )
    call_retention: timedelta | None = optional(
        "CALL_RETENTION_DAYS", parsers.days(0.01, 36500), None
    )
