"""Shared memory after kill -9 (WORKERS over 1): the next start removes what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoints.http.server.metrics_folder import shared_memory
from tests.databases import PostgresServer
from tests.service import Service, running, start
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow


def folder(service: Service) -> Path:
    """Return the folder in which the service's processes count."""
    environ = service.process.children()[0].environ()
    return Path(environ.get("PROMETHEUS_MULTIPROC_DIR") or found_open(service))


def found_open(service: Service) -> Path:
    (worker, *_) = service.process.children()
    files = [Path(file.path) for file in worker.open_files()]
    return next(file.parent for file in files if file.parent.name.startswith("backend-metrics-"))


def environ(simulator: SimulatorProcess, database: str) -> dict[str, str]:
    return {**simulator.environ, "WORKERS": "2", "DATABASE_URL": database}


def test_given_a_killed_service_then_the_next_start_removes_its_folder_and_no_living_one_s(
    simulator: SimulatorProcess, postgres: PostgresServer, tmp_path: Path
) -> None:
    database = postgres.new_database()
    killed = start(environ(simulator, database), tmp_path)
    left = folder(killed)
    assert left.parent == shared_memory()

    with running(environ(simulator, postgres.new_database()), tmp_path) as neighbour:
        kept = folder(neighbour)
        killed.kill()  # any start on this machine removes what it leaves

        with running(environ(simulator, database), tmp_path) as again:
            own = folder(again)
            assert not left.exists()
            assert kept.is_dir()
            assert own.is_dir()
            assert len({left, kept, own}) == 3
        assert not own.exists()
    assert not kept.exists()
