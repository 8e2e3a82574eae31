"""Remove a person's traces from the free space of a SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from domain.privacy.data_subject import SEPARATORS

_PATIENCE_SECONDS: Final = 5.0


def scrub(path: Path, traces: Sequence[str]) -> None:
    """Leave none of a person's traces in the files of the database at ``path`` but in its rows.

    What is deleted is overwritten, but where SQLite has moved a row within a page the old place
    may keep a copy, which only writing the whole file anew removes. Raises :class:`sqlite3.Error`.
    """
    with closing(
        sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)
    ) as connection:
        _fold_log(connection)
        if _are_in_file(path, traces):
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("VACUUM")
            _fold_log(connection)


def _fold_log(connection: sqlite3.Connection) -> None:
    """Write the log into the file and empty it, once no connection reads from it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # Busy while another connection does a part of it; SQLite does not wait for that.
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


def _are_in_file(path: Path, traces: Sequence[str]) -> bool:
    needles, marks = [trace.encode() for trace in traces], SEPARATORS.encode()
    before = b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            text = before + piece.translate(None, marks)
            if any(needle in text for needle in needles):
                return True
            before = text[-max(map(len, needles)) :]
    return False
