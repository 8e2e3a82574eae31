"""The comparison of the ledger with LiveKit."""

from __future__ import annotations

from datetime import timedelta

import attrs

from entrypoints.settings import parsers
from entrypoints.settings.variable import optional


@attrs.frozen(kw_only=True, slots=False)
class ReconciliationSettings:
    """How often the ledger is compared with LiveKit, and which rooms are left out."""

    reconcile_interval: timedelta = optional(
        "RECONCILE_INTERVAL_SECONDS", parsers.seconds(0.1, 86400), timedelta(seconds=10)
    )
    room_ignore: tuple[str, ...] = optional("ROOM_IGNORE", parsers.patterns, ())
