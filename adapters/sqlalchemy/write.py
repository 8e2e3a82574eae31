"""A change that waits for its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict


@attrs.frozen
class Write:
    """A statement that changes one row, and its parameters."""

    statement: Executable
    values: Mapping[str, Any]

    async def carry_out(self, connection: AsyncConnection) -> None:
        """Execute it; raises :class:`~domain.errors.Conflict` if it finds no row to change."""
        result = await connection.execute(self.statement, self.values)
        if result.rowcount == 0:
            raise Conflict("What was to be changed has been changed by somebody else.")
