"""Readiness and ``backend_ledger_up`` say whether a post could be stored; liveness does not."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from adapters.sqlalchemy.schema.backup import backup, restore
from tests.clusters import Cluster, running_cluster
from tests.databases import running_postgres, sqlite_in
from tests.integration.http.webhooks import eventually
from tests.service import Service, migrate, running
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow


def post(client: httpx.Client) -> httpx.Response:
    return client.post("/session", json={"userIdentity": "ann"})


def becomes(client: httpx.Client, *, ready: bool) -> httpx.Response:
    """Return the readiness once it is that, and the metric says the same."""
    answer = eventually(
        lambda: client.get("/health/ready"),
        lambda answer: answer.status_code == (200 if ready else 503),
    )
    line = f"\nbackend_ledger_up {float(ready)}\n"
    eventually(lambda: client.get("/metrics").text, lambda text: line in text)
    assert client.get("/health").status_code == 200
    return answer


def reason(client: httpx.Client) -> str:
    """Return why the database is not ready, once it is known."""
    answer = eventually(
        lambda: becomes(client, ready=False).json()["checks"]["database"]["error"],
        lambda error: "in time" not in error,
    )
    return str(answer)


@pytest.fixture
def in_file(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[tuple[Service, httpx.Client]]:
    environ = {**simulator.environ, "DATABASE_URL": sqlite_in(tmp_path)}
    with (
        running(environ, tmp_path) as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):
        becomes(client, ready=True)
        yield service, client


def test_given_an_idle_service_whose_file_is_locked_then_not_ready_until_it_is_free(
    in_file: tuple[Service, httpx.Client], tmp_path: Path
) -> None:
    service, client = in_file
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert reason(client) == "The database is locked by another process (SQLITE_BUSY)."
        assert post(client).status_code == 503
        other.execute("ROLLBACK")
    becomes(client, ready=True)
    assert post(client).status_code == 200
    # A line that does not warn is written a moment later.
    eventually(service.output, lambda log: "not ready" in log and "ready again" in log)


def test_given_a_deleted_file_then_nothing_is_acknowledged_until_it_is_restored(
    in_file: tuple[Service, httpx.Client], tmp_path: Path
) -> None:
    _, client = in_file
    url, path = sqlite_in(tmp_path), tmp_path / "ledger.db"
    before = post(client).json()["sessionId"]
    backup(url, tmp_path / "backup.db")
    os.unlink(path)

    assert post(client).status_code == 503
    assert "is not there" in reason(client)
    assert not path.exists()
    restore(url, tmp_path / "backup.db")
    becomes(client, ready=True)

    after = post(client)
    assert after.status_code == 200
    with closing(sqlite3.connect(path)) as connection:
        stored = {row[0] for row in connection.execute("SELECT id FROM sessions")}
    assert stored == {before, after.json()["sessionId"]}


def test_given_a_server_that_becomes_read_only_then_not_ready_until_it_is_writable(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with running_postgres() as server:
        environ = {**simulator.environ, "DATABASE_URL": server.new_database()}
        with (
            running(environ, tmp_path) as service,
            httpx.Client(base_url=service.url, timeout=30) as client,
        ):
            becomes(client, ready=True)
            for value in ("on", "off"):
                server.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
                server.sql("SELECT pg_reload_conf()")
                if value == "on":
                    assert reason(client) == "The database is read-only (25006)."
                    assert post(client).status_code == 503
            becomes(client, ready=True)
            assert post(client).status_code == 200


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


def test_given_a_fail_over_and_back_then_the_service_follows_without_a_restart(
    cluster: Cluster, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": cluster.new_database("ledger")}
    migrate(environ, tmp_path)
    acknowledged = []
    with (
        running(environ, tmp_path) as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):

        def stored() -> None:
            answer = eventually(lambda: post(client), lambda answer: answer.status_code == 200)
            acknowledged.append(answer.json()["sessionId"])

        stored()
        for primary, standby in (
            (cluster.first, cluster.second),
            (cluster.second, cluster.first),
        ):
            primary.stop()
            becomes(client, ready=False)
            assert post(client).status_code == 503
            standby.promote()
            becomes(client, ready=True)
            stored()
            primary.follow(standby)
            stored()
    assert set(cluster.first.sql("SELECT id FROM sessions", "ledger").split()) >= set(acknowledged)
