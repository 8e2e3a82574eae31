"""A process that is killed or stopped at the worst moment: others go on without its lease's end."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.databases import PostgresServer, sqlite_in
from tests.service import Service, running, start
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def sqlite_environ(simulator: SimulatorProcess, tmp_path: Path) -> dict[str, str]:
    return {
        **simulator.environ,
        "DATABASE_URL": sqlite_in(tmp_path),
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }


@pytest.fixture
def postgres_environ(
    sqlite_environ: dict[str, str], postgres: PostgresServer, tmp_path: Path
) -> dict[str, str]:
    return {**sqlite_environ, "DATABASE_URL": postgres.new_database()}


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
        answer = post(other, room)

    assert answer.status_code == 200, answer.text
    assert len(simulator.dispatches(room)) == 1
    assert "a process is dead" in other.output()


def test_given_the_only_process_on_sqlite_killed_then_it_goes_on_as_soon_as_it_is_back(
    sqlite_environ: dict[str, str], simulator: SimulatorProcess, room: str, tmp_path: Path
) -> None:
    killed = start(sqlite_environ, tmp_path)
    with dispatching(killed, simulator, room, 60):
        killed.kill()
        with (
            running(sqlite_environ, tmp_path) as again,
            sqlite3.connect(tmp_path / "ledger.db") as ledger,
        ):
            (claim,) = ledger.execute("SELECT claim_holder, claim_expires_at FROM sessions")
            answer = post(again, room)

    assert claim[0] is not None
    assert claim[1] < "2000", "before it was asked"
    assert answer.status_code == 200, answer.text
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


def test_given_a_replica_that_stops_cleanly_then_it_is_not_left_to_be_missed(
    postgres_environ: dict[str, str], postgres: PostgresServer, tmp_path: Path
) -> None:
    database = postgres_environ["DATABASE_URL"].split("/")[3].split("?", maxsplit=1)[0]
    with running(postgres_environ, tmp_path):
        registered = postgres.sql("SELECT id FROM processes", database)
        with running(postgres_environ, tmp_path):
            both = postgres.sql("SELECT id FROM processes", database)
        assert postgres.sql("SELECT id FROM processes", database) == registered

    assert len(both.splitlines()) == 2
    assert postgres.sql("SELECT id FROM processes", database) == ""
