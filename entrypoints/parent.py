"""Processes that end when the process that started them does, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
# Looked up here: a process that has just been forked should take no locks.
_libc: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent(parent: int, by: signal.Signals) -> None:
    """Have the kernel send ``by`` to this process when its parent, the process ``parent``, ends.

    If it has ended already, the signal comes at once. The setting outlives exec(2), but for
    programs with privileges of their own. Linux only; elsewhere nothing happens.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os.kill(os.getpid(), by)


def ending_with_me(by: signal.Signals) -> Callable[[], None]:
    """Return what a child of this process calls before exec(2) (``preexec_fn``)."""
    return partial(end_with_parent, os.getpid(), by)
