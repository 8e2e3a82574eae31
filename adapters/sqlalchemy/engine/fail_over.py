"""Leaving a PostgreSQL server that no longer serves, for the one that has taken its place."""

from __future__ import annotations

import math
import time
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

_READ_ONLY: Final = "25006"
_RECYCLE_SECONDS: Final = 1.0


class FailOver:
    """Replaces every connection of a pool once the server on one of them no longer serves.

    That is a server that became read-only (SQLSTATE 25006) or did not answer in time. Read-only
    connections are replaced once a second at most: a server that stays so is not to get a new one
    for each write.
    """

    def __init__(self) -> None:
        self._left_at = -math.inf

    def watch(self, engine: Engine) -> None:
        """Take care of the pool of ``engine``."""
        event.listen(engine, "connect", self._note_age)
        event.listen(engine, "checkout", self._replace_older)
        event.listen(engine, "handle_error", self._leave)

    def was_silent(self) -> None:
        """Replace all connections: the server on one of them did not answer in time."""
        self._left_at = time.monotonic()

    def _note_age(self, _connection: object, record: ConnectionPoolEntry) -> None:
        record.info["since"] = time.monotonic()

    def _replace_older(self, connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["since"] < self._left_at:
            # At once: a clean end waits for an answer of a server that perhaps gives none.
            connection.driver_connection.terminate()
            raise DisconnectionError

    def _leave(self, context: ExceptionContext) -> None:
        error, connection, now = context.original_exception, context.connection, time.monotonic()
        if isinstance(error, TimeoutError):
            self.was_silent()
        if connection is None or getattr(error, "sqlstate", None) != _READ_ONLY:
            return
        if now - self._left_at > _RECYCLE_SECONDS:
            self._left_at = now
        if connection.info["since"] < self._left_at:
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False
