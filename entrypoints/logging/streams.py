"""The standard streams: one may be closed (``2>&-``), a full disk, or a pipe without a reader."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
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
    """Write to ``stream`` without a buffer, and lose what it does not take.

    A full disk or a closed pipe must not stop the work. (A buffer would keep what could not be
    written, and fail again with each later line.)
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._write = getattr(stream, "raw", stream).write

    def write(self, data: bytes) -> int:
        """Write ``data``, in several parts if need be, and return its length in any case."""
        left = data
        with suppress(OSError):
            while left:
                left = left[self._write(left) or len(left) :]  # None: a pipe is full (O_NONBLOCK)
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is no buffer."""
