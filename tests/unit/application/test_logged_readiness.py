"""A dependency that stops serving is logged once, and so is its return."""

from __future__ import annotations

from structlog.testing import capture_logs

from application.logged_readiness import LoggedReadiness
from domain.operations.check_readiness import Readiness


async def test_given_a_dependency_that_fails_and_recovers_then_each_change_is_logged_once() -> None:
    problems = iter([None, "full", "still full", None, None])

    async def check() -> Readiness:
        return Readiness({"livekit": None, "database": next(problems)})

    readiness = LoggedReadiness(check)
    with capture_logs() as logs:
        for ready in (True, False, False, True, True):
            assert (await readiness()).ready is ready

    assert logs == [
        {"event": "not ready", "dependency": "database", "reason": "full", "log_level": "warning"},
        {"event": "ready again", "dependency": "database", "log_level": "info"},
    ]
