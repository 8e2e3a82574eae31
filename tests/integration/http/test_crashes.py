"""A process that is killed or stopped at the worst moment: others go on within seconds.

The lease of a dispatch claim lasts 15 s: whatever is over sooner was not waited for.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from application.settings import CLAIM_LEASE
from tests.databases import PostgresServer
from tests.service import Service, migrate, running, start
from tests.simulator import SimulatorProcess

LEASE_SECONDS = CLAIM_LEASE.total_seconds()


@pytest.fixture
def sqlite_environ(simulator: SimulatorProcess, tmp_path: Path) -> dict[str, str]:
    return {
        **simulator.environ,
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/ledger.db",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }


@pytest.fixture
def postgres_environ(
    sqlite_environ: dict[str, str], postgres: PostgresServer, tmp_path: Path
) -> dict[str, str]:
    environ = {**sqlite_environ, "DATABASE_URL": postgres.new_database()}
    migrate(environ, tmp_path)
    return environ


def post(service: Service, room: str) -> httpx.Response:
    body = {"userIdentity": "user-1", "roomName": room}
    return httpx.post(f"{service.url}/session", json=body, timeout=60)


@contextmanager
def dispatching(
    service: Service, simulator: SimulatorProcess, room: str, seconds: float
) -> Iterator[Future[httpx.Response]]:
    """``service`` holds the room's claim while LiveKit takes ``seconds`` to answer."""
    asked = simulator.state()["requests"].get("CreateDispatch", 0)
    simulator.fault("CreateDispatch", "hang", seconds=seconds)
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(post, service, room)
        while simulator.state()["requests"].get("CreateDispatch", 0) == asked:
            time.sleep(0.01)
        yield posted


def test_given_a_replica_killed_while_it_dispatches_then_another_goes_on_before_its_lease_ends(
    postgres_environ: dict[str, str], simulator: SimulatorProcess, room: str, tmp_path: Path
) -> None:
    killed = start(postgres_environ, tmp_path)
    with running(postgres_environ, tmp_path) as other, dispatching(killed, simulator, room, 60):
        killed.kill()
        began = time.monotonic()
        answer = post(other, room)
        took = time.monotonic() - began

    assert answer.status_code == 200, answer.text
    assert took < LEASE_SECONDS / 2
    assert len(simulator.dispatches(room)) == 1
    assert "a process is dead" in other.output()


def test_given_the_only_process_on_sqlite_killed_then_it_goes_on_as_soon_as_it_is_back(
    sqlite_environ: dict[str, str], simulator: SimulatorProcess, room: str, tmp_path: Path
) -> None:
    killed = start(sqlite_environ, tmp_path)
    with dispatching(killed, simulator, room, 60):
        killed.kill()
        with running(sqlite_environ, tmp_path) as again:
            began = time.monotonic()
            answer = post(again, room)
            took = time.monotonic() - began

    assert answer.status_code == 200, answer.text
    assert took < 3, "not even the time after which a process counts as dead"
    assert len(simulator.dispatches(room)) == 1


def test_given_a_replica_stopped_while_it_dispatches_then_it_brings_no_second_agent(
    postgres_environ: dict[str, str], simulator: SimulatorProcess, room: str, tmp_path: Path
) -> None:
    with running(postgres_environ, tmp_path) as stopped, running(postgres_environ, tmp_path) as b:
        with dispatching(stopped, simulator, room, 7) as first:
            for process in stopped.family():
                process.send_signal(signal.SIGSTOP)
            try:
                answer = post(b, room)
            finally:
                for process in stopped.family():
                    process.send_signal(signal.SIGCONT)
            late = first.result()
        assert answer.status_code == 200, answer.text
        assert late.status_code == 200, late.text
        assert late.json()["sessionId"] == answer.json()["sessionId"]
        assert len(simulator.dispatches(room)) == 1
        assert len(simulator.agents(room)) == 1
        # It goes on as another process.
        assert post(stopped, f"{room}-2").status_code == 200
        assert "this process was declared dead" in stopped.output()


def test_given_replicas_that_stop_cleanly_then_none_is_missed(
    postgres_environ: dict[str, str], simulator: SimulatorProcess, room: str, tmp_path: Path
) -> None:
    with running(postgres_environ, tmp_path) as other:
        with running(postgres_environ, tmp_path) as stopping:
            assert post(stopping, room).status_code == 200
        assert post(other, room).status_code == 200

    assert "dead" not in other.output() + stopping.output()
    assert len(simulator.dispatches(room)) == 1
