"""What granian loads first in a process that serves."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import TYPE_CHECKING

from granian import _signals
from granian._granian import WorkerSignal

from entrypoints.http.draining import STOP

if TYPE_CHECKING:
    from litestar.types import ASGIApp


def create() -> ASGIApp:
    """The application, in a process that nobody but its parent stops.

    Ctrl-C and some supervisors signal every process: workers would stop before their parent has
    made them not ready. (What they inherit would note the signal in the wrong process.)
    """
    gc.disable()  # until it serves: what is imported stays, and to look through it takes 0.1 s
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _signals.set_loop_signals = _hear_stop
    from entrypoints.http import asgi  # noqa: PLC0415 - takes a second

    return asgi.create()


def _hear_stop(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
    """In place of granian's: ``STOP``, and once. Its event blocks for ever when it is set again."""
    stopping = WorkerSignal()
    heard: list[int] = []

    def hear() -> None:
        if not heard:
            heard.append(STOP)
            stopping.set()

    loop.add_signal_handler(STOP, hear)
    return stopping
