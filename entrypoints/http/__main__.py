"""``python -m entrypoints.http``: the service, by granian, as the environment says."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Final

from granian.constants import Interfaces
from granian.server import Server

from application.settings import Settings
from entrypoints.settings import InvalidSettings, load_settings

_PATIENCE_SECONDS: Final = 10
"""How long a worker may take to stop."""


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
    with ExitStack() as stack:
        if settings.workers > 1:  # they count together in files
            folder = stack.enter_context(TemporaryDirectory(prefix="backend-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _serve(settings, address)
    return 0


def _serve(settings: Settings, address: str) -> None:
    # This process only watches over the worker, so it imports nothing of the application.
    Server(
        "entrypoints.http.worker:create",
        factory=True,
        interface=Interfaces.ASGI,
        address=address,
        port=settings.port,
        workers=settings.workers,
        workers_kill_timeout=_PATIENCE_SECONDS,
        websockets=False,
        log_enabled=False,
    ).serve()


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
