"""Shared memory after kill -9 (WORKERS over 1): the next start removes what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoints.http.server.metrics_folder import shared_memory
from tests.databases import PostgresServer
from tests.integration.http.webhooks import eventually
from tests.service import Service, running, start
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow

PREFIX = "backend-metrics-"


def folder(service: Service) -> Path:
    """Return the folder in which the service counts, once a process has a file there."""
    (found,) = eventually(lambda: counting(service), bool)
    return found


def counting(service: Service) -> set[Path]:
    """The folders in which processes of the service have files of metrics open."""
    opened = {Path(file.path) for member in service.family() for file in member.open_files()}
    return {path.parent for path in opened if path.parent.name.startswith(PREFIX)}


def environ(simulator: SimulatorProcess, database: str) -> dict[str, str]:
    return {**simulator.environ, "WORKERS": "2", "DATABASE_URL": database}


def test_given_a_killed_service_then_the_next_start_removes_its_folder_and_no_living_one_s(
    simulator: SimulatorProcess, postgres: PostgresServer, tmp_path: Path
) -> None:
    database = postgres.new_database()
    killed = start(environ(simulator, database), tmp_path)
    try:
        left = folder(killed)
    finally:
        killed.kill()
    assert left.parent == shared_memory()

    with running(environ(simulator, postgres.new_database()), tmp_path) as neighbour:
        kept = folder(neighbour)
        assert not left.exists()

        with running(environ(simulator, database), tmp_path) as again:
            own = folder(again)
            assert kept.is_dir()
            assert own.is_dir()
            assert len({left, kept, own}) == 3
        assert not own.exists()
    assert not kept.exists()
