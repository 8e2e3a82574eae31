"""No process outlives the tests that started it, however these end.

``python -m tests.guard`` reads from a pipe which processes a process of pytest's has started. The
end of the pipe tells it that pytest has ended, also by a signal that no fixture sees: a worker of
xdist's gets SIGKILL where it has not ended ten seconds after Ctrl-C.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil

_PROJECT: Final = Path(__file__).resolve().parent.parent
_guarded: Final[set[int]] = set()
"""This process's number; a forked one is not guarded."""


def install() -> None:
    """From now on have every process killed that subprocess starts, when this one has ended."""
    _guarded.add(os.getpid())
    start = subprocess.Popen.__init__

    @functools.wraps(start)
    def started(self: subprocess.Popen[Any], *args: Any, **options: Any) -> None:
        start(self, *args, **options)
        _tell(str(self.pid))

    subprocess.Popen.__init__ = started  # type: ignore[method-assign]


def guard_folder(folder: Path) -> None:
    """Have ``folder`` removed when this process has ended, and PostgreSQL servers in it killed.

    They are nobody's children.
    """
    _tell(str(folder))


def _tell(what: str) -> None:
    if os.getpid() in _guarded:
        os.write(_guard(), f"{what}\n".encode())


@functools.cache
def _guard() -> int:
    """Return the pipe to this process's guard, which ends with it."""
    reading, writing = os.pipe()
    number = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "tests.guard"],
        {"PATH": os.environ["PATH"], "PYTHONPATH": str(_PROJECT)},
        file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
        setsid=True,  # no signal to pytest's group is for it
    )
    os.close(reading)

    def end() -> None:
        os.close(writing)
        os.waitpid(number, 0)

    atexit.register(end)
    return writing


def _read(lines: Iterable[str]) -> tuple[list[psutil.Process], list[Path]]:
    """Return the processes and folders that were named, once no writer is left to name more."""
    processes: dict[int, psutil.Process] = {}
    folders: list[Path] = []
    for line in map(str.strip, lines):
        if not line.isdigit():
            folders.append(Path(line))
            continue
        processes.pop(int(line), None)
        with suppress(psutil.NoSuchProcess):  # it has ended already
            processes[int(line)] = psutil.Process(int(line))
    return [*processes.values()], folders


def _servers(folder: Path) -> Iterable[psutil.Process]:
    for file in folder.glob("**/postmaster.pid"):
        with suppress(psutil.NoSuchProcess, OSError, ValueError):
            process = psutil.Process(int(file.read_text().split()[0]))
            if process.name() == "postgres":
                yield process


def main() -> None:
    """Kill what is left when standard input ends."""
    processes, folders = _read(sys.stdin)
    servers = [server for folder in folders for server in _servers(folder)]
    for process in [*processes, *servers]:
        with suppress(psutil.NoSuchProcess):
            for member in [process, *process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
    psutil.wait_procs(servers, timeout=2)  # they write to what is removed
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
