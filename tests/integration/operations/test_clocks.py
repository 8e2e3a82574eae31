"""A replica whose machine's clock is an hour off, or is set while it runs: nothing changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
import pytest

from entrypoints.simulator.webhooks import signed_webhook
from tests.benchmarks.events import event_of_a_call
from tests.databases import PostgresServer
from tests.integration.http.webhooks import PATH
from tests.livekit_server import API_KEY, API_SECRET
from tests.machine import Machine
from tests.service import Service, running
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow

HOUR = 3600
TOLERANCE = timedelta(minutes=1)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "clock")
    machine.set(0)
    return machine


@pytest.fixture
def environ(
    simulator: SimulatorProcess, postgres: PostgresServer, tmp_path: Path
) -> dict[str, str]:
    return {
        **simulator.environ,
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "1",
        "DATABASE_URL": postgres.new_database(),
    }


def post(service: Service, room: str, identity: str = "user-1") -> dict[str, object]:
    body = {"userIdentity": identity, "roomName": room}
    answer = httpx.post(f"{service.url}/session", json=body, timeout=60).raise_for_status()
    found: dict[str, object] = answer.json()
    return found


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def hears_of_a_call(service: Service) -> None:
    """A caller joins, and the service shows the call."""
    event = event_of_a_call("participant_joined")
    body, headers = signed_webhook(event, API_KEY, API_SECRET)
    httpx.post(service.url + PATH, content=body, headers=headers).raise_for_status()
    call = f"{service.url}/telephony/calls/by-room/{event.room.name}"
    eventually(lambda: httpx.get(call).status_code == 200, "no call")


def metric(service: Service, name: str) -> float:
    for line in httpx.get(f"{service.url}/metrics").text.splitlines():
        if line.startswith(name):
            return float(line.rpartition(" ")[2])
    return 0.0


def cycles(service: Service) -> float:
    return metric(service, "backend_reconciler_cycle_duration_seconds_count")


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_given_a_replica_an_hour_off_then_it_works_beside_the_others(  # noqa: PLR0917
    off: int,
    environ: dict[str, str],
    machine: Machine,
    simulator: SimulatorProcess,
    room: str,
    tmp_path: Path,
) -> None:
    machine.set(off)
    with (
        running({**environ, **machine.environ}, tmp_path) as skewed,
        running(environ, tmp_path) as right,
    ):
        first, second = post(skewed, room), post(right, room, "user-2")
        assert first["sessionId"] == second["sessionId"]
        assert len(simulator.dispatches(room)) == 1

        shown = httpx.get(f"{skewed.url}/sessions/by-room/{room}").raise_for_status().json()
        created = datetime.fromisoformat(shown["createdAt"])
        assert abs(created - datetime.now(UTC)) < TOLERANCE
        jwt.decode(str(first["userToken"]), API_SECRET, algorithms=["HS256"])  # valid now

        for service in (skewed, right):
            hears_of_a_call(service)
        eventually(lambda: cycles(skewed) + cycles(right) > 3, "the reconciler stopped")
        assert metric(skewed, "backend_inbox_oldest_pending_age_seconds") < HOUR / 2


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_given_a_clock_that_is_set_while_it_runs_then_it_goes_on(  # noqa: PLR0917
    off: int,
    environ: dict[str, str],
    processes: dict[str, str],
    machine: Machine,
    simulator: SimulatorProcess,
    room: str,
    tmp_path: Path,
) -> None:
    environ |= processes
    with running({**environ, **machine.environ}, tmp_path) as service:
        before = post(service, room)
        eventually(lambda: cycles(service) > 1, "the reconciler did not run")

        machine.set(off)
        time.sleep(2)  # it reads its clocks meanwhile

        assert post(service, room)["sessionId"] == before["sessionId"]
        assert post(service, f"{room}-2")["agentDispatched"] is True
        done = cycles(service)
        eventually(lambda: cycles(service) > done + 1, "the reconciler stopped")
        hears_of_a_call(service)
    assert len(simulator.dispatches(room)) == 1
