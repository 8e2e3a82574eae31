"""The command `backend` of a checkout: a program that asks pytest's process for a warm one."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.service import START_LIMIT_SECONDS
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
        serving = threading.Thread(target=_serve, args=(listener,))
        serving.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # which ends accept(2)
            serving.join()


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        # In a pipe several run at a time.
        threading.Thread(target=_run, args=(connection,), daemon=True).start()


def _run(connection: socket.socket) -> None:
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
        code = process.wait(START_LIMIT_SECONDS)
        connection.send(code.to_bytes(4, "little", signed=True))
