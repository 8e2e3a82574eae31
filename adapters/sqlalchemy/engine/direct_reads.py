"""Look-ups that SQLite answers sooner than another thread can be asked to."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Engine, Select

from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.engine.sqlite_file import FILE, SqliteFile

_SLOW_SECONDS: Final = 0.02
"""Which a processor that others use does not take, as a rule."""
_PAUSE_SECONDS: Final = 10
_MOST_IN_A_TURN: Final = 16
"""Look-ups of one task between two turns of the event loop, which has other requests to serve."""


@attrs.define
class DirectReads:
    """Carries look-ups out on the event loop's thread, through a connection that waits for no lock.

    A hand-over to a thread and back takes several times as long as one does. What several tasks
    look up in the same turn of the event loop is handed over together: that takes less than one by
    one, because SQLite's driver gives up the interpreter's lock for every step.

    There are none for ten seconds after one failed or took over 20 ms: a thread then waits for the
    disk or the lock.
    """

    engine: Engine
    _file: SqliteFile
    _connection: Connection | None = attrs.field(default=None, init=False)
    _not_before: float = attrs.field(default=-math.inf, init=False)
    _task: asyncio.Task[Any] | None = attrs.field(default=None, init=False)
    _in_this_turn: int = attrs.field(default=0, init=False)

    def rows(
        self, lookup: Lookup[Select[Any]], values: Mapping[str, Any] | None
    ) -> Sequence[Any] | None:
        """The rows of ``lookup``, or None if a thread must look."""
        started = time.monotonic()
        if started < self._not_before or not self._has_turn():
            return None
        try:
            rows = lookup.rows(self._opened(), values)
        except Exception:  # noqa: BLE001 - the thread will fail as well, and say why
            self._pause()
            return None
        if time.monotonic() - started > _SLOW_SECONDS:
            self._pause()
        return rows

    def _has_turn(self) -> bool:
        """Whether the present task is the first that looks in this turn of the event loop."""
        task = asyncio.current_task()
        if self._in_this_turn == 0:
            self._task = task
            asyncio.get_running_loop().call_soon(self._next_turn)
        elif task is not self._task or self._in_this_turn >= _MOST_IN_A_TURN:
            return False
        self._in_this_turn += 1
        return True

    def _next_turn(self) -> None:
        self._task = None
        self._in_this_turn = 0

    def _opened(self) -> Connection:
        connection = self._connection
        if connection is not None and connection.info[FILE] != self._file.identity():
            self._close()
            connection = None
        if connection is None:
            connection = self._connection = self.engine.connect()
        return connection

    def _pause(self) -> None:
        self._close()
        self._not_before = time.monotonic() + _PAUSE_SECONDS

    def dispose(self) -> None:
        """Close the file; the next look-up opens it again."""
        self._close()
        self.engine.dispose()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
