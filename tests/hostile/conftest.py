"""A service for those who mean it harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import sqlite_in
from tests.hostile import few_files
from tests.service import Service, running
from tests.simulator import SimulatorProcess, running_simulator

KEEP_ALIVE_SECONDS = 3


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with running_simulator() as simulator:
        simulator.register_worker("shreya-obnox")
        yield simulator


@pytest.fixture
def patient(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Service]:
    """A service that keeps idle connections for as long as a test takes."""
    with running(_environ(simulator, tmp_path, 600), tmp_path) as service:
        yield service


@pytest.fixture
def narrow(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Service]:
    """A patient service that may have no more than ``FILES`` files open."""
    with running(_environ(simulator, tmp_path, 600), tmp_path, few_files.__name__) as service:
        yield service


@pytest.fixture(scope="module")
def strict(
    simulator: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service that soon closes connections on which nothing comes."""
    folder = tmp_path_factory.mktemp("strict")
    with running(_environ(simulator, folder, KEEP_ALIVE_SECONDS), folder) as service:
        yield service


def _environ(simulator: SimulatorProcess, folder: Path, keep_alive: int) -> dict[str, str]:
    return {
        **simulator.environ,
        "DATABASE_URL": sqlite_in(folder),
        "TELEPHONY_ENABLED": "true",
        "KEEP_ALIVE_SECONDS": str(keep_alive),
    }
