"""Who asks, and does not take the answer."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Final

_LOOK_AGAIN_SECONDS: Final = 0.02


def cut_off_after(limit: timedelta) -> None:
    """Let the kernel close each connection whose client takes nothing for ``limit``.

    From when this process listens, which is a moment after its application has started.
    """
    if sys.platform == "linux" and not _limit_listeners(limit):
        loop = asyncio.get_running_loop()
        loop.call_later(_LOOK_AGAIN_SECONDS, cut_off_after, limit)


def _limit_listeners(limit: timedelta) -> bool:
    """Whether this process has a listener, from which connections inherit the limit (tcp(7)).

    granian has no limit of its own for this, and does not say which file its listener is.
    """
    found = False
    for name in os.listdir("/proc/self/fd"):
        with (
            suppress(OSError),  # no socket, or closed by now
            socket.fromfd(int(name), socket.AF_INET, socket.SOCK_STREAM) as one,
        ):
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                milliseconds = round(limit.total_seconds() * 1000)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
                found = True
    return found
