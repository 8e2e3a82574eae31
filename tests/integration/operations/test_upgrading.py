"""A later version of the service migrates the database that this version is serving on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from application.settings import READINESS_GOOD_FOR
from tests.integration.migrations.later_version import alembic, later_version
from tests.service import migrate, refusal, running
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def environ(simulator: SimulatorProcess, sql_url: str, tmp_path: Path) -> dict[str, str]:
    """A migrated database's, on each kind."""
    return {**simulator.environ, "DATABASE_URL": sql_url, "TELEPHONY_ENABLED": "true"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The later version's."""
    return later_version(tmp_path)


@contextmanager
def serving(environ: dict[str, str], folder: Path) -> Iterator[httpx.Client]:
    """This version's service, over one connection."""
    with (
        running(environ, folder) as service,
        httpx.Client(base_url=service.url, timeout=30) as http,
    ):
        yield http


def assert_serves(http: httpx.Client, name: str) -> None:
    """It is ready; reads and writes work, also those that are prepared already."""
    ready = http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    body = {"userIdentity": "ann", "roomName": name}
    key = {"Idempotency-Key": name}
    started = http.post("/session", json=body, headers=key)
    assert (started.status_code, started.json()["agentDispatched"]) == (200, True)
    shown = http.get(f"/sessions/{started.json()['sessionId']}")
    assert shown.json()["roomName"] == name
    assert http.get("/sessions").json()["sessions"][0]["roomName"] == name
    assert http.post("/session/end", json={"roomName": name}).status_code == 204


def test_given_an_expand_migration_then_the_old_version_serves_on_and_starts_again(
    environ: dict[str, str], checkout: Path, tmp_path: Path
) -> None:
    with serving(environ, tmp_path) as http:
        assert_serves(http, "before")

        alembic(environ["DATABASE_URL"], "upgrade", "9002", checkout=checkout)

        for name in ("after", "later"):
            assert_serves(http, name)

    migrate(environ, tmp_path)  # as the init container of a pod that comes back does
    with serving(environ, tmp_path) as http:
        assert_serves(http, "restarted")


def test_given_a_contract_migration_then_the_old_version_says_why_it_serves_no_more(
    environ: dict[str, str], checkout: Path, tmp_path: Path
) -> None:
    with running(environ, tmp_path) as service:
        alembic(environ["DATABASE_URL"], "upgrade", "9003", checkout=checkout)

        ready = httpx.get(f"{service.url}/health/ready")

    assert ready.status_code == 503
    reason = ready.json()["checks"]["database"]["error"]
    assert "9003" in reason
    assert "9001 or newer" in reason
    code, output = refusal(environ, tmp_path)
    assert code == 1
    assert reason in output
    assert output.count("\n") == 1


def test_given_its_contract_migration_is_undone_then_the_old_version_serves_again(
    environ: dict[str, str], checkout: Path, tmp_path: Path
) -> None:
    with serving(environ, tmp_path) as http:
        alembic(environ["DATABASE_URL"], "upgrade", "9003", checkout=checkout)
        assert http.get("/health/ready").status_code == 503

        alembic(environ["DATABASE_URL"], "downgrade", "9002", checkout=checkout)

        time.sleep(READINESS_GOOD_FOR.total_seconds())
        assert_serves(http, "undone")
