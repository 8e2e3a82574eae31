"""``python -m tests.benchmarks.bytes_logger``: the service, logging through structlog's
``BytesLogger`` instead of our writer, with the same renderer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import BinaryIO

import structlog

from entrypoints import logs
from entrypoints.http.__main__ import main
from entrypoints.log_lines import Event


class BytesLines:
    """Has the interface of ``LogLines``; writes and flushes each line at once."""

    def __init__(self, stream: BinaryIO, render: Callable[[Event, float], bytes]) -> None:
        self._logger, self._render = structlog.BytesLogger(stream), render

    def __call__(self, *_: object) -> BytesLines:
        return self

    def info(self, event: Event) -> None:
        self._logger.msg(self._render(event, time.time()))

    debug = warning = error = critical = exception = info

    def close(self) -> None:
        """Nothing waits."""


if __name__ == "__main__":
    vars(logs)["LogLines"] = BytesLines  # which the processes that serve are forked with
    sys.exit(main())
