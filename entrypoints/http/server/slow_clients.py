"""Who asks, and does not take the answer."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

_LOOK_AGAIN_SECONDS: Final = 0.02
_KERNEL_BYTES: Final = 32 * 1024
"""Not yet read from a client, or not yet taken by one; Linux doubles it (socket(7))."""
_ALL_TAKEN_SECONDS: Final = 1
"""By then whoever came before the listener had its limit has been taken in."""


def cut_off_after(limit: timedelta) -> None:
    """Let the kernel close each connection whose client takes nothing for ``limit``.

    And let it keep little for each.

    From when this process listens, which is a moment after its application has started.
    """
    if sys.platform == "linux":
        _limit_until_all_are_taken(limit, found=False)


def _limit_until_all_are_taken(limit: timedelta, *, found: bool) -> None:
    """Look for the listener, and once more when it has been ``found``."""
    loop = asyncio.get_running_loop()
    pause = _LOOK_AGAIN_SECONDS
    try:
        listens = _limit_connections(limit)
    except OSError:  # no file is left to list the others with
        listens, pause = False, _ALL_TAKEN_SECONDS
    if listens and found:
        return
    again = partial(_limit_until_all_are_taken, limit, found=found or listens)
    loop.call_later(_ALL_TAKEN_SECONDS if listens else pause, again)


def _limit_connections(limit: timedelta) -> bool:
    """Whether this process listens; if so, those whom it listens to have the limit.

    Later connections inherit it from the listener (tcp(7)). granian has no limit of its own for
    this, and does not say which file its listener is.
    """
    listening = set()
    for one in _tcp_sockets():
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listening.add(one.getsockname()[1])
            _limit(one, limit)
    for one in _tcp_sockets():
        if one.getsockname()[1] in listening:
            _limit(one, limit)
    return bool(listening)


def _limit(one: socket.socket, limit: timedelta) -> None:
    milliseconds = round(limit.total_seconds() * 1000)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    # The kernel would keep megabytes for each connection, of this service's memory limit.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)


def _tcp_sockets() -> Iterator[socket.socket]:
    """Each that this process has open, for as long as it takes to look at it."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # closed by now
            # Only of sockets: to close a copy of the database's file would end SQLite's locks.
            if stat.S_ISSOCK(os.stat(int(name)).st_mode):
                one = socket.socket(fileno=int(name))  # not a copy, which would be one more file
                try:
                    if one.family in (socket.AF_INET, socket.AF_INET6):
                        yield one
                finally:
                    one.detach()
