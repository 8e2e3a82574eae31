"""``python -m entrypoints.http``: the service, by granian, as the environment says."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from functools import partial
from typing import Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from entrypoints.http.server.address import CannotListen, listen_address
from entrypoints.http.server.draining import NOT_READY, PATIENCE_SECONDS
from entrypoints.http.server.granian_process import BACKLOG, StagedServer, create, spawn
from entrypoints.http.server.memory_limit import memory_limit
from entrypoints.http.server.metrics_folder import metrics_folder, remove_abandoned, shared_memory
from entrypoints.http.server.open_files import (
    TooFewFiles,
    client_connections,
    open_files,
    raise_limit,
)
from entrypoints.http.server.recording_store import store_can_be_used
from entrypoints.http.server.slow_clients import bound_socket
from entrypoints.logging.streams import open_closed_streams
from entrypoints.settings import InvalidSettings, Settings, load_settings

_LARGEST_HEADERS: Final = 16 * 1024
"""Also what granian reads ahead of a body for each connection."""
_CONNECTION_BYTES: Final = 48 * 1024
"""A connection with the largest headers takes 29 KiB; the rest is for the process itself."""


def main() -> int:
    """Serve until SIGINT or SIGTERM. 2: the configuration is wrong; 1: the service can't start."""
    open_closed_streams()
    try:
        settings = load_settings()
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if settings.recordings is not None and not store_can_be_used():
        return 2
    try:
        clients = client_connections(settings, raise_limit(), open_files())
        address = listen_address(settings.host, settings.port)
    except (CannotListen, TooFewFiles) as error:
        sys.stderr.write(f"backend-livekit cannot start: {error}\n")
        return 1
    signal.signal(NOT_READY, signal.SIG_IGN)  # in workers too, until they listen
    remove_abandoned(shared_memory())
    with ExitStack() as stack:
        if settings.workers > 1:  # they count together in files
            folder = stack.enter_context(metrics_folder(shared_memory()))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        _serve(settings, address, clients)
    return 0


def _serve(settings: Settings, address: str, clients: int) -> None:
    server = StagedServer(
        settings.shutdown_delay.total_seconds(),
        "entrypoints.http.server.granian_process",
        interface=Interfaces.ASGI,
        # Waiting to learn which version a client speaks has no limit, HTTP/1 headers have.
        http=HTTPModes.http1,
        address=address,
        port=settings.port,
        workers=settings.workers,
        backlog=BACKLOG,
        # Its default is 1,024, which a single idle client can take up.
        backpressure=min(clients, _fitting(settings.workers)),
        workers_kill_timeout=PATIENCE_SECONDS,
        http1_settings=HTTP1Settings(
            # granian has one limit for the time until a request's headers are there, whether the
            # connection is new or kept.
            header_read_timeout=round(settings.keep_alive.total_seconds() * 1000),
            max_buffer_size=_LARGEST_HEADERS,
        ),
        websockets=False,
        log_enabled=False,
    )
    bind = partial(bound_socket, address, settings.port, settings.keep_alive)
    # granian's own loader would look for modules in the working folder first, which may have an
    # adapters/ of its own. Each process that serves calls create; this one does not.
    server.serve(spawn_target=partial(spawn, bind), target_loader=create, wrap_loader=False)


def _fitting(workers: int) -> int:
    """Return how many connections that send headers without end fit into a worker's memory."""
    memory = memory_limit() or sys.maxsize
    return max(memory // workers // _CONNECTION_BYTES, 256)


if __name__ == "__main__":
    sys.exit(main())
