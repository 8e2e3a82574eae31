"""granian's server process and the processes that serve, stopped and limited in our way.

Everything that granian has no public option for is in this file
(docs/decisions/0002-granian-processes.md says why each is needed):

- ``_spawn_worker`` is overridden, so that ``STOP`` and not SIGTERM ends a process that serves.
- ``_spawn_asgi_lifespan_worker`` is called with a socket of our own.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from granian.net import SocketHolder  # type: ignore[attr-defined] # its stub is incomplete
from granian.server import Server

from entrypoints.http.server.draining import NOT_READY, PATIENCE_SECONDS, STOP, stopping
from entrypoints.parent import end_with_parent

if TYPE_CHECKING:
    from litestar.types import ASGIApp

BACKLOG: Final = 4096
"""Connections that wait to be accepted by a process."""

_FROM_OTHERS: Final = (signal.SIGINT, signal.SIGTERM)


class StagedServer(Server):  # type: ignore[valid-type, misc] # a variable
    """Stops in stages: first not ready, then no new connections, then the rest is finished.

    A second signal ends it at once. ``delay`` is the time between the first two, in seconds.
    """

    def __init__(self, delay: float, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self._delay = delay
        self._is_stopping = False

    def _spawn_worker(self, *args: object, **options: object) -> Any:
        worker = super()._spawn_worker(*args, **options)
        worker.terminate = partial(_stop, worker)
        return worker

    def signal_handler_interrupt(self, *args: object, **options: object) -> None:
        """Stop, or end everything if it stops already."""
        if os.getpid() != self.pid:
            return  # in a process that has just been forked
        if self._is_stopping:
            for worker in self.wrks:
                worker.kill()
            os._exit(1)
        self._is_stopping = True
        if not self._delay:
            super().signal_handler_interrupt(*args, **options)
            return
        for worker in self.wrks:
            _send(worker, NOT_READY)
        timer = threading.Timer(self._delay, super().signal_handler_interrupt)
        timer.daemon = True
        timer.start()


def spawn(
    bind: Callable[[], socket.socket],
    worker_id: int,
    process_name: str | None,
    load: Callable[[], ASGIApp],
    sockets: Any,
    *arguments: Any,
) -> None:
    """Serve in this process, a new one, on the socket that ``bind`` returns.

    The other arguments are granian's.
    """
    if sys.platform == "linux":  # elsewhere granian's processes share one
        is_unix = False
        holder = SocketHolder(bind().detach(), is_unix, BACKLOG)  # type: ignore[call-arg]
        sockets = (None, holder), None
    Server._spawn_asgi_lifespan_worker(worker_id, process_name, load, sockets, *arguments)


def create() -> ASGIApp:
    """Return the application, in a process that only its parent stops.

    Ctrl-C and some supervisors signal every process: those that serve would stop before their
    parent has made them not ready. So these signals are blocked, also in the threads that begin
    after this; granian handles them as soon as this has returned.
    """
    _end_with_parent()
    gc.disable()  # until it serves: what is imported stays, and a collection takes 0.1 s
    signal.pthread_sigmask(signal.SIG_BLOCK, _FROM_OTHERS)
    from entrypoints.http.server import asgi  # noqa: PLC0415 - takes a second

    app = asgi.create()
    loop = asyncio.get_event_loop()  # granian has made it; it does not run yet
    _stop_by_signal(loop, os.getppid())
    return app


def _stop_by_signal(loop: asyncio.AbstractEventLoop, parent: int) -> None:
    """Stop at the next ``STOP``, also if it comes while the loop does not run.

    It does not for a moment after the start-up. uvloop's own handlers would miss it then.
    """

    def stop(*_: object) -> None:
        signal.signal(STOP, signal.SIG_IGN)  # once: granian's event, set again, blocks forever
        loop.call_soon_threadsafe(_stop_this_process, parent)

    signal.signal(STOP, stop)


def _end_with_parent() -> None:
    """Let no process outlive a killed parent and go on holding the port."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with_parent(parent.pid, STOP)


def _stop_this_process(parent: int) -> None:
    """Have granian stop this process, by a SIGTERM that is let through."""
    stopping()
    if os.getppid() != parent:  # which would have killed a process that does not stop
        signal.alarm(PATIENCE_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)  # one with any that is blocked already
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))


def _stop(worker: Any) -> None:
    worker.interrupt_by_parent = True
    _send(worker, STOP)


def _send(worker: Any, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has just ended
        if worker.is_alive():
            os.kill(worker.inner.pid, number)
