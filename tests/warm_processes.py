"""Processes that start at once, forked from one that has imported all modules.

A start of the interpreter takes two seconds of CPU with the service's modules, and more with those
of LiveKit's workers. What a test sees of
a warm process is the same: its number, streams, folder, environment, signals and exit code. What
starting itself is about runs in a process of its own: the fixture ``cold_processes``, or for all
tests COLD_PROCESSES=1.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

PROJECT: Final = Path(__file__).resolve().parent.parent
WARM_MODULES: Final = (
    "alembic", "entrypoints.cli", "entrypoints.http", "tests.faults.dying_service",
    "tests.hostile.few_files",
)  # fmt: skip
SKEWED_CLOCK: Final = f"{PROJECT / 'tests' / 'skewed_clock'}:{PROJECT}"
"""PYTHONPATH where the clock is wrong (tests/machine.py)."""
WITHOUT_MODELS: Final = {"LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0"}
"""A worker otherwise loads 250 MB of speech models, which no test uses."""
_OF_THE_INTERPRETER: Final = ("COLUMNS", "COVERAGE", "FORCE_", "LANG", "LC_", "LD_", "NO_COLOR",
    "PROMETHEUS_", "PYTHON", "SSL_", "TERMINAL_", "TZ")  # fmt: skip
"""How names of variables begin that are read before the service is, or when it is imported."""

_warm: list[bool] = [False]


def start_warm() -> None:
    """Start warm processes from now on; benchmarks and fault runs do not."""
    _warm.append(os.environ.get("COLD_PROCESSES", "") in {"", "0"})


@pytest.fixture(scope="module")
def cold_processes() -> Iterator[None]:
    """Start each process of a module's tests as a user does."""
    _warm.append(False)
    yield
    _warm.pop()


def popen(
    module: str, arguments: Sequence[str], cwd: Path, environ: Mapping[str, str], **streams: Any
) -> subprocess.Popen[Any]:
    """Start ``python -m module arguments`` in a folder with an environment of its own.

    ``module`` may be the path of a worker's program instead: ``python worker.py arguments``.
    ``streams`` are subprocess.Popen's arguments stdin, stdout, stderr and text.
    """
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **environ}
    program = [module] if module.endswith(".py") else ["-m", module]
    command = [sys.executable, *program, *arguments]
    kind = _Warm if _can_be_warm(module, env) else subprocess.Popen
    return kind(command, cwd=cwd, env=env, **streams)


class Process(psutil.Popen):
    """What psutil knows of a process that :func:`popen` has started."""

    def __init__(self, started: subprocess.Popen[Any]) -> None:
        self._Popen__subproc = started
        self._init(started.pid, _ignore_nsp=True)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; raise :class:`psutil.TimeoutExpired` if it does not end in time."""
        try:
            return int(self._Popen__subproc.wait(timeout))
        except subprocess.TimeoutExpired:
            raise psutil.TimeoutExpired(timeout or 0, self.pid) from None


def _can_be_warm(module: str, env: Mapping[str, str]) -> bool:
    return (
        sys.platform == "linux"
        and _warm[-1]
        and (module in WARM_MODULES or module.endswith(".py"))
        and env["PYTHONPATH"] in {str(PROJECT), SKEWED_CLOCK}
        and not any(name.startswith(_OF_THE_INTERPRETER) for name in env.keys() - {"PYTHONPATH"})
    )


class _Warm(subprocess.Popen[Any]):
    """A process that the warm server forks, and whose end it reports.

    It overrides what subprocess has no public option for: how a process starts and is waited for.
    """

    _waitpid_lock: threading.Lock
    _close_pipe_fds: Callable[..., None]
    _handle_exitstatus: Callable[[int], None]

    def _execute_child(self, args: list[str], *others: Any) -> None:
        _, _, _, _, cwd, env, _, _, _, *pipes = others[:15]
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = pipes
        module, *arguments = args[2:] if args[1] == "-m" else args[1:]
        request = {
            "module": module, "arguments": arguments, "cwd": str(cwd), "environ": {**env}
        }  # fmt: skip
        self._end, end = os.pipe()
        streams = [
            given if given != -1 else standard
            for standard, given in enumerate((p2cread, c2pwrite, errwrite))
        ]
        message = json.dumps(request).encode()
        kind = "worker" if module.endswith(".py") else "service"
        self._server = _server(kind, env["PYTHONPATH"])
        socket.send_fds(self._server, [message], [*streams, end])
        os.close(end)
        self.pid = int.from_bytes(os.read(self._end, 4), "little")
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def _try_wait(self, flags: int) -> tuple[int, int]:
        """As os.waitpid(2) for a child."""
        ready, _, _ = select.select([self._end], [], [], 0 if flags & os.WNOHANG else None)
        if not ready:
            return 0, 0
        code = int.from_bytes(os.read(self._end, 4), "little", signed=True)
        self._server.send(json.dumps({"reap": self.pid}).encode())
        os.read(self._end, 1)  # until there is no such process any more
        os.close(self._end)
        return self.pid, code << 8 if code >= 0 else -code

    def _internal_poll(self, *_args: Any, **_options: Any) -> int | None:
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                number, status = self._try_wait(os.WNOHANG)
                if number:
                    self._handle_exitstatus(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode


@functools.cache
def _server(kind: str, path: str) -> socket.socket:
    """Return the socket of this process's server of a kind, which ends with it.

    ``path`` is PYTHONPATH.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.warm_server", str(theirs.fileno()), kind],
        cwd=PROJECT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": path,
            "OPENBLAS_NUM_THREADS": "1",  # it would start threads when it is imported
            **WITHOUT_MODELS,
        },
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
