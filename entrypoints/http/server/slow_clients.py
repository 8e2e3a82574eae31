"""The listening socket, with limits for clients that do not read their responses."""

from __future__ import annotations

import socket
import sys
from datetime import timedelta
from typing import Final

_KERNEL_BYTES: Final = 32 * 1024
"""For each direction of a connection; Linux doubles it (socket(7))."""


def bound_socket(address: str, port: int, limit: timedelta) -> socket.socket:
    """Return a socket that is bound to ``address`` and ``port`` and does not listen yet.

    Each connection that it accepts inherits its options (tcp(7)): the kernel closes it once the
    client has acknowledged nothing for ``limit``, and buffers little for it. Other sockets may be
    bound to the same port, so that every process has a queue of its own (SO_REUSEPORT).
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "linux":
            milliseconds = round(limit.total_seconds() * 1000)
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        # The kernel would buffer megabytes for each connection, of this service's memory limit.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound
