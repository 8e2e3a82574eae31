"""A process that serves is stopped by its parent's signal, or its parent's death, at any moment."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
import uvloop

from entrypoints.http.server import granian_process
from entrypoints.http.server.draining import STOP


def test_given_a_stop_while_the_loop_does_not_run_then_the_process_stops_once_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped: list[int] = []
    monkeypatch.setattr(granian_process, "_stop_this_process", stopped.append)
    loop, before, parent = uvloop.new_event_loop(), signal.getsignal(STOP), 4711
    try:
        granian_process._stop_by_signal(loop, parent)
        loop.run_until_complete(asyncio.sleep(0))  # the start-up

        for _ in range(2):  # the parent's own, and the kernel's at its death
            os.kill(os.getpid(), STOP)

        loop.run_until_complete(asyncio.sleep(0.01))
    finally:
        signal.signal(STOP, before)
        loop.close()
    assert stopped == [parent]
