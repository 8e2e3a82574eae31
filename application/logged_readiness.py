"""Logging when a dependency stops serving, and when it serves again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import structlog

from domain.operations.check_readiness import Readiness

log = structlog.get_logger()


@attrs.define
class LoggedReadiness:
    """Call ``check`` and log each dependency whose state has changed since the last time."""

    check: Callable[[], Awaitable[Readiness]]
    _failed: set[str] = attrs.field(factory=set, init=False)

    async def __call__(self) -> Readiness:
        """Return what ``check`` returns."""
        readiness = await self.check()
        for name, problem in readiness.problems.items():
            if problem is not None and name not in self._failed:
                self._failed.add(name)
                log.warning("not ready", dependency=name, reason=problem)
            elif problem is None and name in self._failed:
                self._failed.remove(name)
                log.info("ready again", dependency=name)
        return readiness
