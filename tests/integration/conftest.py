"""One simulator for the tier, and services on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.databases import PostgresServer, sqlite_in
from tests.service import Service, running
from tests.simulator import SimulatorProcess, running_simulator


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[SimulatorProcess]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(simulator_process: SimulatorProcess) -> Iterator[SimulatorProcess]:
    """A simulator on which all goes well, without a room, with a worker for the default agent."""
    simulator_process.no_faults()
    simulator_process.close_rooms()  # others' callers are a reconciler's work
    simulator_process.register_worker("shreya-obnox")
    yield simulator_process
    simulator_process.no_faults()


@pytest.fixture(scope="session")
def memory_service(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    # Without the reconciler, which would ask LiveKit while a test counts.
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": "memory://",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    with running(environ, tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def http(memory_service: Service, simulator: SimulatorProcess) -> Iterator[httpx.Client]:
    """A client of a development service that keeps its ledger in memory."""
    with httpx.Client(base_url=memory_service.url, timeout=30) as client:
        yield client


@pytest.fixture(params=["one process on SQLite", "two processes on PostgreSQL"])
def processes(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment of a service: DATABASE_URL, and as many WORKERS as it can take."""
    if "SQLite" in request.param:
        return {"DATABASE_URL": sqlite_in(tmp_path), "WORKERS": "1"}
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return {"DATABASE_URL": postgres.new_database(), "WORKERS": "2"}


@pytest.fixture
def room() -> str:
    """A room name that no other test uses."""
    return f"room-{uuid.uuid4()}"
