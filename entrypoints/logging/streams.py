"""The standard streams: one may be closed (``2>&-``), a full disk, or a pipe without a reader."""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from contextlib import suppress
from select import PIPE_BUF  # what stays whole in a pipe that several processes write to (pipe(7))
from typing import BinaryIO, Final

_STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_closed_streams() -> None:
    """Open /dev/null in place of each standard stream that is closed.

    Otherwise a database or a connection gets its number, and what is logged goes there.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            _open(number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - until the end


def _open(number: int) -> None:
    file = os.open(os.devnull, os.O_RDWR)
    if file != number:
        os.dup2(file, number)
        os.close(file)
    os.set_inheritable(number, True)  # noqa: FBT003 - it has no name


class LossyStream:
    """Write lines to ``stream`` without a buffer, and lose what it does not take.

    A full disk or a closed pipe must not stop the work. (A buffer would keep what could not be
    written, and fail again with each later line.)

    Lines that come while the event loop works through what is ready are written right after it,
    together: a write hands the interpreter's lock over, which takes longer than all else of a line.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._write = getattr(stream, "raw", stream).write
        self._lock = threading.Lock()
        self._held: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop that will write what is held."""
        atexit.register(self._write_held)

    def write(self, data: bytes) -> int:
        """Write ``data``, which is whole lines, and return its length in any case."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a thread without one
            loop = None
        with self._lock:
            self._held.append(data)
            if loop is not None and loop is not self._loop:
                self._loop = loop
                loop.call_soon(self._write_held)
        if loop is None:
            self._write_held()
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is held is written by itself."""

    def _write_held(self) -> None:
        with self._lock:
            lines, self._held, self._loop = self._held, [], None
            part = b""
            for line in lines:
                if part and len(part) + len(line) > PIPE_BUF:
                    self._put(part)
                    part = b""
                part += line
            self._put(part)

    def _put(self, data: bytes) -> None:
        """Write ``data``, in several parts if need be."""
        with suppress(OSError):
            while data:
                data = data[self._write(data) or len(data) :]  # None: a pipe is full (O_NONBLOCK)
