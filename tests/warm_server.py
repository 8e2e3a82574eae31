"""Fork processes that have imported all their modules, which takes seconds of CPU for each.

``python -m tests.warm_server FD KIND`` is started by :mod:`tests.warm_processes`, which sends
requests over the socket FD. The process stays without threads, an event loop and random numbers of
its own, so that a forked process is one that has just imported its modules.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import forkserver, util
from pathlib import Path
from typing import Any, Final

from prometheus_client import values

_PRELOADED: Final = {
    "service": (
        "entrypoints.cli.app", "entrypoints.http.__main__", "entrypoints.http.server.asgi",
        "adapters.sqlalchemy.schema.migrations", "granian.asgi", "granian._loops",
        "aiosqlite", "alembic.command", "asyncpg", "sqlalchemy.dialects.postgresql.asyncpg",
        "sqlalchemy.dialects.sqlite.aiosqlite", "uvloop",
        # What Litestar imports when an application is made, and when it starts.
        "litestar._kwargs.kwargs_model", "litestar.exceptions.responses",
        "litestar.middleware.response_cache", "litestar.plugins.pydantic.plugins.di",
        "anyio._backends._asyncio", "encodings.idna",
    ),
    "worker": ("livekit.agents", "livekit.agents.cli._legacy", "livekit.agents.ipc._preload"),
}  # fmt: skip
_LARGEST_REQUEST: Final = 1 << 17


def main() -> None:
    """Serve requests until the socket is closed; in a forked process, run what was requested."""
    for module in _PRELOADED[sys.argv[2]]:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    request = Forks(socket.socket(fileno=int(sys.argv[1]))).serve()
    if request is not None:
        _run(**request)


class Forks:
    """The processes that this one has forked, each with a pipe for its end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._ready = selectors.DefaultSelector()
        self._ready.register(control, selectors.EVENT_READ)
        self._ends: dict[int, int] = {}
        """By a process's pidfd: the pipe."""
        self._ended: dict[int, int] = {}
        """By the number of one that has ended and is not reaped yet: the pipe."""

    def serve(self) -> dict[str, Any] | None:
        """Return the request in each forked process, and None in this one at the end."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest
        while True:
            for key, _ in self._ready.select():
                if key.fileobj is not self._control:
                    self._report(key.fd)
                    continue
                message, files, _, _ = socket.recv_fds(self._control, _LARGEST_REQUEST, 4)
                if not message:
                    return None
                request = json.loads(message)
                if "reap" in request:
                    os.waitpid(request["reap"], 0)
                    os.close(self._ended.pop(request["reap"]))
                elif self._fork(files):
                    return request  # type: ignore[no-any-return]

    def _fork(self, files: list[int]) -> bool:
        """Whether this is the new process."""
        *streams, end = files
        number = os.fork()
        if number:
            os.write(end, number.to_bytes(4, "little"))
            watched = os.pidfd_open(number)
            self._ends[watched] = end
            self._ready.register(watched, selectors.EVENT_READ)
            for stream in streams:
                os.close(stream)
            return False
        self._ready.close()
        self._control.close()
        for standard, stream in enumerate(streams):
            os.dup2(stream, standard)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        return True

    def _report(self, watched: int) -> None:
        """Tell how a process ended; until it is reaped by request it is a zombie, as any child."""
        self._ready.unregister(watched)
        end = self._ends.pop(watched)
        result = os.waitid(os.P_PIDFD, watched, os.WEXITED | os.WNOWAIT)
        assert result is not None
        code = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
        with suppress(BrokenPipeError):  # no test waits for it
            os.write(end, code.to_bytes(4, "little", signed=True))
        self._ended[result.si_pid] = end
        os.close(watched)


def _run(module: str, arguments: list[str], cwd: str, environ: dict[str, str]) -> None:
    """Go on as ``python -m module arguments`` in that folder with that environment.

    ``module`` may be a program's path instead, as in ``python program.py arguments``.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    if environ.get("WORKERS", "1") != "1":  # they count in files, as is decided by the import
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    sys.argv = [module, *arguments]
    if module.endswith(".py"):
        _start_fork_server()
        sys.path[0] = str(Path(module).parent)
        runpy.run_path(module, run_name="__main__")
        return
    sys.path[0] = cwd
    if sys.stdout.isatty():
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.modules.pop(f"{module}.__main__", None)  # or runpy warns
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _start_fork_server() -> None:
    """Have the program's jobs forked by a process that is a fork of this one.

    One of its own would import LiveKit's modules anew, which takes seconds of CPU.
    """
    start = util.spawnv_passfds

    def started(path: bytes, arguments: Sequence[Any], passed: Sequence[int]) -> int:
        command = arguments[-1]
        if forkserver.__name__ not in command:
            return start(path, arguments, passed)
        number = os.fork()
        if number == 0:
            below = 3
            for kept in sorted(passed):
                os.closerange(below, kept)
                below = kept + 1
            os.closerange(below, os.sysconf("SC_OPEN_MAX"))
            # This process was forked while it was held.
            forkserver._forkserver._lock = threading.Lock()  # type: ignore[attr-defined]
            exec(command)
            os._exit(0)
        return number

    forkserver.set_forkserver_preload([])
    util.spawnv_passfds = started  # type: ignore[assignment]
    forkserver.ensure_running()
    util.spawnv_passfds = start


if __name__ == "__main__":
    main()
