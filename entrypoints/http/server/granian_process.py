"""What granian loads first in a process that serves."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
from typing import TYPE_CHECKING

from granian import _signals
from granian._granian import WorkerSignal

from entrypoints.http.server.draining import PATIENCE_SECONDS, STOP
from entrypoints.parent import end_with_parent

if TYPE_CHECKING:
    from litestar.types import ASGIApp


def create() -> ASGIApp:
    """The application, in a process that nobody but its parent stops.

    Ctrl-C and some supervisors signal every process: workers would stop before their parent has
    made them not ready. (What they inherit would note the signal in the wrong process.)
    """
    _end_with_parent()
    gc.disable()  # until it serves: what is imported stays, and to look through it takes 0.1 s
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _signals.set_loop_signals = _hear_stop
    from entrypoints.http.server import asgi  # noqa: PLC0415 - takes a second

    return asgi.create()


def _end_with_parent() -> None:
    """Let no worker outlive a killed parent and go on holding the port."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with_parent(parent.pid, STOP)


def _hear_stop(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
    """In place of granian's: ``STOP``, and once. Its event blocks for ever when it is set again."""
    stopping = WorkerSignal()
    heard: list[int] = []
    parent = os.getppid()

    def hear() -> None:
        if not heard:
            heard.append(STOP)
            if os.getppid() != parent:  # which would have killed a worker that does not stop
                signal.alarm(PATIENCE_SECONDS)
            stopping.set()

    loop.add_signal_handler(STOP, hear)
    return stopping
