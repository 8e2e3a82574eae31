"""Whether the database would serve a request now."""

from __future__ import annotations

import attrs

from adapters.sqlalchemy.database import Database
from adapters.sqlalchemy.migrations import check_schema


@attrs.frozen
class DatabaseProbe:
    """Implements :class:`domain.ports.probe.Probe`: does it answer, and is its schema ours."""

    database: Database

    async def check(self) -> None:
        """Return if it would; raise a :class:`~domain.errors.StorageUnavailable` that says why."""
        await check_schema(self.database)
