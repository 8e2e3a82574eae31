"""What granian loads first in a process that serves."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar.types import ASGIApp


def create() -> ASGIApp:
    """The application.

    Until granian takes signals over, they end the process: it inherits handlers that would note
    the signal in the wrong process, and a service told to stop while it starts would go on.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    from entrypoints.http import asgi  # noqa: PLC0415 - takes a second

    return asgi.create()
