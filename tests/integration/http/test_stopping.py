"""How the service stops: not ready first, then finished, then gone."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import Service, running, start
from tests.simulator import SimulatorProcess


def ready(service: Service) -> int:
    return httpx.get(f"{service.url}/health/ready").status_code


@pytest.mark.parametrize("workers", ["1", "2"])
def test_readiness_turns_red_while_requests_are_still_served(
    simulator: SimulatorProcess, tmp_path: Path, workers: str
) -> None:
    environ = {
        **simulator.environ,
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/ledger.db",
        "WORKERS": workers,
        "SHUTDOWN_DELAY_SECONDS": "3",
    }
    service = start(environ, tmp_path)
    assert ready(service) == 200
    family = service.family()

    service.process.send_signal(signal.SIGTERM)
    told = time.monotonic()

    eventually(lambda: {ready(service) for _ in range(8)}, lambda codes: codes == {503})
    answer = httpx.get(f"{service.url}/health/ready")
    assert answer.json()["status"] == "stopping"
    assert httpx.head(f"{service.url}/health/ready").status_code == 503
    assert httpx.post(f"{service.url}/session", json={"userIdentity": "a"}).status_code == 200
    assert time.monotonic() - told < 3
    assert service.process.wait(timeout=10) == 0
    assert time.monotonic() - told >= 3
    assert psutil.wait_procs(family, timeout=2)[1] == []


def test_a_second_signal_ends_it_at_once(simulator: SimulatorProcess, tmp_path: Path) -> None:
    environ = {
        **simulator.environ, "DATABASE_URL": "memory://", "SHUTDOWN_DELAY_SECONDS": "60",
    }  # fmt: skip
    service = start(environ, tmp_path)
    family = service.family()
    service.process.send_signal(signal.SIGTERM)
    eventually(lambda: ready(service), lambda code: code == 503)

    service.process.send_signal(signal.SIGTERM)

    assert service.process.wait(timeout=3) == 1
    assert psutil.wait_procs(family, timeout=3)[1] == []


def test_what_hangs_for_ever_holds_it_up_for_less_than_ten_seconds(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    service = start({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path)
    simulator.fault("CreateDispatch", "hang", times=10)
    with ThreadPoolExecutor() as pool:
        body = {"userIdentity": "ann", "roomName": room}
        request = pool.submit(httpx.post, f"{service.url}/session", json=body, timeout=30)
        time.sleep(0.5)
        family = service.family()
        service.process.send_signal(signal.SIGTERM)
        began = time.monotonic()

        assert service.process.wait(timeout=15) == 0

        assert time.monotonic() - began < 10
        assert psutil.wait_procs(family, timeout=1)[1] == []
        request.exception()


def test_another_process_goes_on_at_once_with_what_this_one_could_not_finish(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    database = tmp_path / "ledger.db"
    environ = {
        **simulator.environ,
        "DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }

    def leases() -> list[object]:
        with closing(sqlite3.connect(database)) as connection:
            query = "SELECT lease_holder FROM inbox WHERE status = 'pending'"
            return [row[0] for row in connection.execute(query)]

    with running(environ, tmp_path) as first:
        simulator.fault("CreateDispatch", "hang", times=10)
        with httpx.Client(base_url=first.url) as client:
            assert send(client, Caller(room=room, room_sid="RM_s").joined()).is_success
        eventually(leases, lambda holders: holders and holders[0])
        assert first.stop() == 0

        assert leases() == [None]
    simulator.no_faults()
    with running(environ, tmp_path) as second, httpx.Client(base_url=second.url) as client:
        path = f"/telephony/calls/by-room/{room}"
        eventually(lambda: client.get(path), lambda one: one.is_success)


def test_the_reconciler_s_lease_is_free_once_its_process_has_stopped(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    database = tmp_path / "ledger.db"
    environ = {
        **simulator.environ,
        "DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        "RECONCILE_INTERVAL_SECONDS": "1",
    }

    def holder() -> str:
        with closing(sqlite3.connect(database)) as connection:
            query = "SELECT holder FROM leases WHERE name = 'reconcile'"
            return str(connection.execute(query).fetchone()[0])

    with running(environ, tmp_path) as service:
        simulator.fault("ListRooms", "hang", times=10)
        eventually(holder, bool)
        assert service.stop() == 0

    assert holder() == ""
    simulator.no_faults()


def test_a_signal_to_a_worker_that_has_just_begun_does_not_end_it_wrongly(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": "memory://", "SHUTDOWN_DELAY_SECONDS": "1"}
    service = start(environ, tmp_path)
    (worker,) = service.process.children()
    os.kill(worker.pid, signal.SIGUSR1)

    assert ready(service) == 503
    assert httpx.get(f"{service.url}/health").status_code == 200
    assert service.stop() == 0
