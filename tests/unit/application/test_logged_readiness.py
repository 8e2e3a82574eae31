"""A dependency that stops serving is logged once, and so is its return."""

from __future__ import annotations

from structlog.testing import capture_logs

from application.logged_readiness import LoggedReadiness
from domain.errors import StorageUnavailable
from domain.use_cases.check_readiness import CheckReadiness
from tests.unit.domain.fakes import FakeProbe


async def test_given_a_dependency_that_fails_and_recovers_then_each_change_is_logged_once() -> None:
    database = FakeProbe()
    readiness = LoggedReadiness(CheckReadiness({"livekit": FakeProbe(), "database": database}))

    with capture_logs() as logs:
        for problem in (None, "full", "still full", None, None):
            database.problem = StorageUnavailable(problem) if problem else None
            found = await readiness()
            assert found.ready == (problem is None)

    assert logs == [
        {"event": "not ready", "dependency": "database", "reason": "full", "log_level": "warning"},
        {"event": "ready again", "dependency": "database", "log_level": "info"},
    ]
