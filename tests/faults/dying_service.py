"""``python -m tests.faults.dying_service``: the service, which dies at one step of an upload.

``DIES`` names the step: a machine that loses its power there does no more than SIGKILL does.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any, NoReturn

from domain.reports import keep_report, receive_report
from domain.reports.keep_report import KeepReport
from domain.reports.receive_report import IncomingReport
from entrypoints.http.__main__ import main

STEPS = (
    "audio half written",
    "audio written",
    "before the commit",
    "some items written",
    "before the answer",
)
_target: Any = sys.modules[receive_report.__name__]
_joined, _keep_report = receive_report._joined, KeepReport.__call__


def die(*_: object) -> NoReturn:
    """End this process, and nothing in it gets a chance."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


async def half(begin: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield two megabytes."""
    size = 0
    async for chunk in _joined(begin, rest):
        yield chunk
        size += len(chunk)
        if size > 2_000_000:
            die()


async def keep_and_die(self: KeepReport, *arguments: Any) -> None:
    """Die once the report is durable."""
    await _keep_report(self, *arguments)
    die()


if __name__ == "__main__":
    match STEPS.index(os.environ["DIES"]):
        case 0:
            _target._joined = half
        case 1:
            IncomingReport.keep = die  # type: ignore[method-assign, assignment]
        case 2:
            IncomingReport._hand_over = die  # type: ignore[method-assign, assignment]
        case 3:
            keep_report.AT_ONCE = 1  # type: ignore[misc]
            IncomingReport._hand_over = die  # type: ignore[method-assign, assignment]
        case _:
            KeepReport.__call__ = keep_and_die  # type: ignore[assignment, method-assign]
    sys.exit(main())
