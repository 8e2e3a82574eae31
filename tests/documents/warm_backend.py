"""The command `backend` of a checkout: a program that asks pytest's process for a warm one."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import attrs

from tests.warm_processes import popen

_PROGRAM: Final = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as warm:
    warm.connect("\\0{name}")
    request = [sys.argv[1:], os.getcwd(), dict(os.environ)]
    socket.send_fds(warm, [json.dumps(request).encode()], [0, 1, 2])
    sys.exit(int.from_bytes(warm.recv(4), "little", signed=True))
"""
_LARGEST_REQUEST: Final = 1 << 17


@contextmanager
def warm_backend(program: Path) -> Iterator[None]:
    """Write the program, which works for the length of a block."""
    name = f"backend-{secrets.token_hex(8)}"
    program.write_text(_PROGRAM.format(python=sys.executable, name=name))
    program.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        commands = _Commands()
        serving = threading.Thread(target=commands.serve, args=(listener,))
        serving.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # which ends accept(2)
            serving.join()
            commands.end()


@attrs.frozen
class _Commands:
    """Runs commands, and ends those that go on, as ``backend listen`` does."""

    _threads: list[threading.Thread] = attrs.field(factory=list, init=False)
    _running: list[subprocess.Popen[Any]] = attrs.field(factory=list, init=False)

    def serve(self, listener: socket.socket) -> None:
        """Run what is asked for until the listener ends; in a pipe several run at a time."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=_run, args=(connection, self._running))
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        """Return once no command runs."""
        while any(thread.is_alive() for thread in self._threads):
            for process in [*self._running]:
                process.kill()
            for thread in self._threads:
                thread.join(0.05)


def _run(connection: socket.socket, running: list[subprocess.Popen[Any]]) -> None:
    """Run a command with the streams, the folder and the environment of the program."""
    with connection:
        message, streams, _, _ = socket.recv_fds(connection, _LARGEST_REQUEST, 3)
        arguments, folder, environ = json.loads(message)
        environ.pop("LC_CTYPE", None)  # which Python itself has set
        process = popen(
            "entrypoints.cli", arguments, Path(folder), environ,
            stdin=streams[0], stdout=streams[1], stderr=streams[2],
        )  # fmt: skip
        for stream in streams:
            os.close(stream)
        running.append(process)
        code = process.wait()
        running.remove(process)
        with suppress(OSError):  # the program was killed
            connection.send(code.to_bytes(4, "little", signed=True))
