"""An ended session's worker arrives in a room where another agent's session is live."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.http.webhooks import event, eventually, send
from tests.service import running
from tests.simulator import SimulatorProcess

AGENT = "shreya-obnox"
LATE = "agent-AJ_late"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["its webhook", "no webhook"])
@pytest.mark.parametrize("name", ["support-worker", "worker of another program"])
def test_the_late_agent_is_removed_and_another_program_s_is_not(  # noqa: PLR0917
    how: str,
    name: str,
    simulator: SimulatorProcess,
    processes: dict[str, str],
    tmp_path: Path,
    room: str,
) -> None:
    interval = "86400" if how == "its webhook" else "0.5"
    environ = {**simulator.environ, **processes, "RECONCILE_INTERVAL_SECONDS": interval}
    with (
        running(environ, tmp_path) as service,
        httpx.Client(base_url=service.url, timeout=30) as http,
    ):

        def start(**body: Any) -> dict[str, Any]:
            answer = http.post("/session", json={"userIdentity": "ann", "roomName": room, **body})
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        saved = {"name": f"agent-{uuid.uuid4()}", "agentName": "support-worker"}
        first = start(agentId=http.post("/agents", json=saved).json()["agentId"])
        assert http.post("/session/end", json={"roomName": room}).status_code == 204
        second = start()
        assert first["sessionId"] != second["sessionId"]
        simulator.join(room, "ann", kind="STANDARD")
        own = eventually(lambda: simulator.agents(room), bool)

        simulator.join(room, LATE, kind="AGENT", attributes={"lk.agent.name": name})
        if how == "its webhook":
            late = {"identity": LATE, "kind": "AGENT", "attributes": {"lk.agent.name": name}}
            where = {"name": room, "sid": (simulator.room(room) or {})["sid"]}
            joined = event("participant_joined", room=where, participant=late)
            assert send(http, joined).status_code == 200
        if name == "support-worker":
            eventually(lambda: simulator.agents(room), lambda agents: agents == own)
        shown = eventually(
            lambda: start() and http.get(f"/sessions/{second['sessionId']}").json(),
            lambda session: session["status"] == "active",
        )

        assert (shown["agentName"], shown["agentDispatched"]) == (AGENT, True)
        assert set(simulator.agents(room)) - {LATE} == set(own)
        assert (LATE in simulator.agents(room)) is (name != "support-worker")
        assert len(simulator.dispatches(room)) == 1
