"""Noticing that a SQLite file is no longer the one that is open.

SQLite goes on in a file that was deleted, moved or replaced, without an error: what it commits
there is lost. https://www.sqlite.org/howtocorrupt.html#unlink
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from domain.shared.errors import StorageUnavailable

Identity = tuple[tuple[int, int] | None, tuple[int, int] | None]
"""Device and inode of a database file and of its write-ahead log."""

FILE: Final = "file"
"""Where a connection's ``info`` has the identity of the file that it has opened."""


class SqliteFile:
    """The file at a path, and its log, as they are on the disk now."""

    def __init__(self, path: Path) -> None:
        self._path, self._log, self._index = (f"{path}{suffix}" for suffix in ("", "-wal", "-shm"))
        self._lock = threading.Lock()
        self._opened: Identity | None = None

    def identity(self) -> Identity:
        """What a connection that is opened now would open; None where there is no file."""
        return _inode(self._path), _inode(self._log)

    def before_opening(self) -> None:
        """Let no connection make an empty file, or read an earlier file's log into this one.

        Raises :class:`~domain.shared.errors.StorageUnavailable` if there is no file.
        """
        with self._lock:
            database, log = self.identity()
            if database is None:
                raise StorageUnavailable(
                    "The database file is not there: restore it, or restart the service to begin "
                    "with an empty one."
                )
            if self._opened is None or database == self._opened[0]:
                return
            if log is not None and log == self._opened[1]:
                for name in (self._log, self._index):
                    with suppress(FileNotFoundError):
                        os.unlink(name)

    def after_opening(self) -> Identity:
        """Return what a connection has just opened."""
        with self._lock:
            self._opened = self.identity()
            return self._opened


def moved() -> StorageUnavailable:
    """Return the error for a commit into a file that is no longer in its place."""
    return StorageUnavailable(
        "The database file was deleted, moved or replaced while it was in use."
    )


def _inode(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino
