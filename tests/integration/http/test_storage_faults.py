"""The database goes away: 503 and nothing started, then recovery without a restart."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.databases import running_postgres
from tests.service import migrate, running
from tests.simulator import SimulatorProcess


def test_given_the_database_is_gone_then_503_until_it_is_back(
    simulator: SimulatorProcess, room: str, tmp_path: Path
) -> None:
    body = {"userIdentity": "ann", "roomName": room}
    with running_postgres() as server:
        environ = {**simulator.environ, "DATABASE_URL": server.new_database()}
        migrate(environ, tmp_path)
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
