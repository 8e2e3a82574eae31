"""The folder in which several processes count together; none is left behind for good.

A process that is killed removes nothing. So each folder is locked (flock(2)) for as long as a
process of its service lives, and each start removes the folders whose lock is free. Unlike a
process's number, a lock belongs to one machine's kernel: it is right in every container too.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = "backend-metrics-"
_LOCKED: Final = f"{_PREFIX}locked-"
"""Earlier versions' folders have no lock: their files' names say which processes they belong to."""
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - shm_overview(7)


@contextmanager
def metrics_folder(parent: Path) -> Iterator[Path]:
    """Make a folder in ``parent`` for the length of a block. Processes that are forked lock it."""
    path, lock = _make(parent)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def remove_abandoned(parent: Path) -> None:
    """Remove this user's folders in ``parent`` of whose services no process lives."""
    for path in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # gone, another's, or locked
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                _remove_unless_locked(path)


def shared_memory() -> Path:
    """Return a folder in memory, or else the one for temporary files.

    What is counted is written through mmap(2), which on a full disk kills the process (SIGBUS).
    """
    if os.access(_SHARED_MEMORY, os.W_OK | os.X_OK):
        return Path(_SHARED_MEMORY)
    return Path(tempfile.gettempdir())


def _make(parent: Path) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_LOCKED, dir=parent))
        with suppress(OSError):
            lock = _lock(path)
            if path.exists():
                return path, lock
            os.close(lock)
        # Another start took it for an abandoned one before it was locked.


def _lock(path: Path) -> int:
    """Return a file that holds the folder's lock. Raises :class:`OSError` if another does."""
    file = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file


def _remove_unless_locked(path: Path) -> None:
    lock = _lock(path)
    try:
        if path.name.startswith(_LOCKED) or _belonged_to_dead_processes(path):
            shutil.rmtree(path)
    finally:
        os.close(lock)


def _belonged_to_dead_processes(path: Path) -> bool:
    """Whether the files, such as histogram_4711.db, are those of processes that have ended."""
    numbers = {file.stem.rpartition("_")[2] for file in path.glob("*.db")}
    return bool(numbers) and not any(Path(f"/proc/{number}").exists() for number in numbers)
