"""Remove a person's traces from the free space and the word indexes of a SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from domain.privacy.data_subject import SEPARATORS

_PATIENCE_SECONDS: Final = 5.0
_MERGED_PAGES: Final = 250
"""Pages of a word index that one transaction rewrites; others' changes wait for it."""


def scrub(path: Path, traces: Sequence[str]) -> None:
    """Leave none of a person's traces in the files of the database at ``path`` but in its rows.

    What is deleted is overwritten, but where SQLite has moved a row within a page the old place
    may keep a copy, which only writing the whole file anew removes. Raises :class:`sqlite3.Error`.
    """
    merge_word_indexes(path)
    with closing(_opened(path)) as connection:
        _fold_log(connection)
        if _are_in_file(path, traces):
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("VACUUM")
            _fold_log(connection)


def merge_word_indexes(path: Path) -> None:
    """Write the FTS5 indexes of the database at ``path`` anew, without what was deleted.

    FTS5 marks a deleted word, and leaves it out when it merges the parts of its index. (Its option
    ``secure-delete`` needs SQLite 3.42.) Others' changes go on between two steps. Raises
    :class:`sqlite3.Error`.
    """
    with closing(_opened(path)) as connection:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE % USING fts5(%'"
        )
        for (name,) in found.fetchall():
            merge = f"INSERT INTO {name}({name}, rank) VALUES ('merge', ?)"  # noqa: S608  # nosec B608
            # The first step, with a negative number, has everything merged.
            pages = -_MERGED_PAGES
            while True:
                before = connection.total_changes
                connection.execute(merge, (pages,))
                # As https://www.sqlite.org/fts5.html#the_merge_command says.
                if connection.total_changes - before < 2:
                    break
                pages = _MERGED_PAGES


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)
    connection.execute("PRAGMA secure_delete = ON")
    return connection


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
