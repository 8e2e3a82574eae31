"""The parent's signals to its processes: they will be stopped soon, and stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Final

NOT_READY: Final = signal.SIGUSR1
"""What the parent sends its workers before it stops them."""

STOP: Final = signal.SIGUSR2
"""What stops a worker. One that has not begun to serve is ended by it, as by any signal."""

PATIENCE_SECONDS: Final = 9
"""How long a worker may take to stop; then it is killed, as a machine that fails would."""

_told: list[int] = []
_at_stop: list[Callable[[], None]] = []


def listen() -> None:
    """From now on hear of it."""
    signal.signal(NOT_READY, lambda number, _frame: _told.append(number))


def at_stop(call: Callable[[], None]) -> None:
    """Have ``call`` called when this process is to stop: it ends what would go on for ever."""
    _at_stop.append(call)


def stopping() -> None:
    """Tell those who wait for it that this process is to stop."""
    for call in _at_stop:
        call()


def is_draining() -> bool:
    """Whether it has come: new requests are served, but should go elsewhere."""
    return bool(_told)
