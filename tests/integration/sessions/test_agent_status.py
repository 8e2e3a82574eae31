"""`agentStatus` and readiness, with a worker and without one."""

from __future__ import annotations

import uuid
from pathlib import Path

import httpx
import pytest

from tests.integration.http.webhooks import eventually
from tests.service import running
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow


def test_without_a_worker_it_is_said_and_with_one_no_more(
    simulator: SimulatorProcess, processes: dict[str, str], tmp_path: Path
) -> None:
    agent = f"agent-{uuid.uuid4()}"
    environ = {
        **simulator.environ,
        **processes,
        "AGENT_NAME": agent,
        "RECONCILE_INTERVAL_SECONDS": "0.5",
    }
    with (
        running(environ, tmp_path) as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):

        def status() -> str:
            """What a caller is told who starts a session."""
            started = client.post("/session", json={"userIdentity": "ann"}).json()
            assert started["agentDispatched"] is True
            return str(started["agentStatus"])

        def warns() -> bool:
            answer = client.get("/health/ready")
            assert (answer.status_code, answer.json()["status"]) == (200, "ready")
            wanted = f"No worker named '{agent}' is registered"
            return any(wanted in warning for warning in answer.json()["warnings"])

        assert status() == "expected"
        assert not warns()
        eventually(warns, bool)
        eventually(status, lambda told: told == "no_worker")

        simulator.register_worker(agent)
        eventually(warns, lambda still: status() and not still)
        eventually(status, lambda told: told == "expected")
        room = {"userIdentity": "ann", "roomName": f"room-{uuid.uuid4()}"}
        joined = eventually(
            lambda: client.post("/session", json=room).json(),
            lambda told: told["agentStatus"] == "joined",
        )

    assert joined["agentDispatched"] is True
    log = service.output()
    assert 1 <= log.count("no worker takes the agent's jobs") <= int(processes["WORKERS"])
    assert 1 <= log.count("a worker takes the agent's jobs again") <= int(processes["WORKERS"])
