"""The database goes away: 503 and nothing started, then recovery without a restart."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.databases import running_postgres, sqlite_in
from tests.service import running
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow


def test_given_the_database_is_gone_then_503_until_it_is_back(
    simulator: SimulatorProcess, room: str, tmp_path: Path
) -> None:
    body = {"userIdentity": "ann", "roomName": room}
    with running_postgres() as server:
        environ = {**simulator.environ, "DATABASE_URL": server.new_database()}
        with (
            running(environ, tmp_path) as service,
            httpx.Client(base_url=service.url, timeout=30) as http,
        ):
            started = http.post("/session", json=body)
            server.stop()

            refused = http.post("/session", json=body)
            health = http.get("/health")
            ready = http.get("/health/ready")
            server.start()
            again = http.post("/session", json=body)

    assert refused.status_code == 503
    assert refused.json()["code"] == "storage_unavailable"
    assert int(refused.headers["retry-after"]) > 0
    assert health.status_code == 200
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"]["status"] == "failed"
    assert ready.json()["checks"]["livekit"] == {"status": "ok"}
    assert again.status_code == 200
    assert again.json()["sessionId"] == started.json()["sessionId"]
    assert len(simulator.dispatches(room)) == 1


def test_given_a_file_that_somebody_locks_then_503_until_it_is_free(
    simulator: SimulatorProcess, room: str, tmp_path: Path
) -> None:
    database = tmp_path / "ledger.db"
    environ = {**simulator.environ, "DATABASE_URL": sqlite_in(tmp_path)}
    body = {"userIdentity": "ann", "roomName": room}
    with (
        running(environ, tmp_path) as service,
        httpx.Client(base_url=service.url, timeout=30) as http,
        closing(sqlite3.connect(database, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        refused = http.post("/session", json=body)
        read = http.get("/sessions")
        other.execute("ROLLBACK")
        started = http.post("/session", json=body)

    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert (read.status_code, read.json()["sessions"]) == (200, [])
    assert started.status_code == 200
    assert len(simulator.dispatches(room)) == 1
