"""Where log lines go."""

from __future__ import annotations

import asyncio
import select
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, Final

Event = dict[str, Any]

_PAUSE_SECONDS: Final = 0.05


class LogLines:
    """structlog's logger: writes events, those that come close upon each other together.

    One is written at once if it warns, or if none was written a moment ago; otherwise with all
    that come within that moment. (In a busy process to render and write one by itself takes 30 µs,
    a twentieth of a session's start; among others it takes 5.) ``render`` makes a line, without
    its end, of an event and its Unix time.

    What cannot be written is lost: a full disk or a closed pipe must not stop the work.
    """

    def __init__(self, stream: BinaryIO, render: Callable[[Event, float], bytes]) -> None:
        self._write = getattr(stream, "raw", stream).write  # a buffer would try again for ever
        self._render = render
        self._held: deque[tuple[Event, float]] = deque()
        self._pause = _PAUSE_SECONDS
        self._free_at = 0.0
        self._is_awaited = False

    def __call__(self, *_: object) -> LogLines:
        """Itself, as a factory of loggers."""
        return self

    def info(self, event: Event) -> None:
        """Write it now or in a moment."""
        self._held.append((event, time.time()))
        wait = self._free_at - time.monotonic()
        if wait <= 0 or not (self._is_awaited or self._flush_in(wait)):
            self.flush()

    def warning(self, event: Event) -> None:
        """Write it, after those that wait."""
        self._held.append((event, time.time()))
        self.flush()

    debug = info
    error = critical = exception = warning

    def flush(self) -> None:
        """Write what waits."""
        self._is_awaited = False
        self._free_at = time.monotonic() + self._pause
        together = b""
        for event, at in self._taken():
            line = self._render(event, at) + b"\n"
            # No more at once than a pipe takes whole (pipe(7)), to which other workers write too.
            if len(together) + len(line) > select.PIPE_BUF:
                self._put(together)
                together = b""
            together += line
        self._put(together)

    def close(self) -> None:
        """Write what waits, and from now on each line at once: no loop may run any more."""
        self._pause = 0.0
        self.flush()

    def _flush_in(self, seconds: float) -> bool:
        try:
            asyncio.get_running_loop().call_later(seconds, self.flush)
        except RuntimeError:  # none runs in this thread
            return False
        self._is_awaited = True
        return True

    def _taken(self) -> Iterator[tuple[Event, float]]:
        with suppress(IndexError):  # another thread has taken the last
            while self._held:
                yield self._held.popleft()

    def _put(self, text: bytes) -> None:
        with suppress(OSError):
            while text:
                text = text[self._write(text) or len(text) :]
