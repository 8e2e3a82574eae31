"""``python -m entrypoints.http``: the service, by granian, as the environment says."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from application.settings import Settings
from entrypoints.http.draining import NOT_READY
from entrypoints.settings import InvalidSettings, load_settings

_PATIENCE_SECONDS: Final = 9
"""How long a worker may take to stop; then it is killed, as a machine that fails would."""

_LARGEST_HEADERS: Final = 64 * 1024


def main() -> int:
    """Serve until SIGINT or SIGTERM. 2: the configuration is wrong; 1: the service can't start."""
    try:
        settings = load_settings()
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        address = _free_address(settings)
    except OSError as error:
        sys.stderr.write(
            f"backend-livekit cannot listen on {settings.host}:{settings.port}: "
            f"{error.strerror}. HOST and PORT choose another address.\n"
        )
        return 1
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection is a file
    signal.signal(NOT_READY, signal.SIG_IGN)  # in workers too, until they listen
    with ExitStack() as stack:
        if settings.workers > 1:  # they count together in files
            folder = stack.enter_context(TemporaryDirectory(prefix="backend-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _serve(settings, address)
    return 0


def _serve(settings: Settings, address: str) -> None:
    # This process only watches over the workers, so it imports nothing of the application.
    _Server(
        settings.shutdown_delay.total_seconds(),
        "entrypoints.http.worker:create",
        factory=True,
        interface=Interfaces.ASGI,
        # Waiting to learn which version a client speaks has no limit, HTTP/1 headers have.
        http=HTTPModes.http1,
        address=address,
        port=settings.port,
        workers=settings.workers,
        backlog=4096,
        backpressure=_connections(),
        workers_kill_timeout=_PATIENCE_SECONDS,
        http1_settings=HTTP1Settings(
            # granian has one limit for the time until a request's headers are there, whether the
            # connection is new or kept.
            header_read_timeout=round(settings.keep_alive.total_seconds() * 1000),
            max_buffer_size=_LARGEST_HEADERS,
        ),
        websockets=False,
        log_enabled=False,
    ).serve()


def _connections() -> int:
    """How many a worker may have, busy or idle; more wait until one is closed.

    (granian's default is 1,024, which a single idle client can take up.)
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1024, min(files - 512, 32_768))


class _Server(Server):  # type: ignore[valid-type, misc] # a variable
    """Stops in steps: not ready any more, then no new connections, then the rest is finished.

    A second signal ends it at once.
    """

    def __init__(self, delay: float, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self._delay = delay
        self._is_stopping = False

    def signal_handler_interrupt(self, *args: object, **options: object) -> None:
        if self._is_stopping:
            for worker in self.wrks:
                worker.kill()
            os._exit(1)
        self._is_stopping = True
        if not self._delay:
            super().signal_handler_interrupt(*args, **options)
            return
        for worker in self.wrks:
            if worker.inner.pid is not None:
                os.kill(worker.inner.pid, NOT_READY)
        timer = threading.Timer(self._delay, super().signal_handler_interrupt)
        timer.daemon = True
        timer.start()


def _free_address(settings: Settings) -> str:
    """The IP address of ``settings.host``.

    Raises :class:`OSError` if somebody listens there: granian would share the port with them.
    """
    family, kind, _, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM
    )[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    return str(address[0])


if __name__ == "__main__":
    sys.exit(main())
