"""One service for the tier, with telephony and an SQLite database, and a command line beside it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.databases import sqlite_in
from tests.integration.cli.backend import Backend
from tests.service import running
from tests.simulator import running_simulator


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A command line with the settings of a running service."""
    folder = tmp_path_factory.mktemp("cli")
    with running_simulator() as simulator:
        simulator.register_worker("shreya-obnox")
        environ = {
            **simulator.environ,
            "TELEPHONY_ENABLED": "true",
            "DATABASE_URL": sqlite_in(folder),
            # Without the reconciler, which would end simulated calls.
            "RECONCILE_INTERVAL_SECONDS": "86400",
        }
        with running(environ, folder) as service:
            port = service.url.rpartition(":")[2]
            yield Backend({**environ, "PORT": port}, folder)


@pytest.fixture(scope="session")
def url(backend: Backend) -> str:
    """The service's."""
    return f"http://127.0.0.1:{backend.environ['PORT']}"


@pytest.fixture
def room() -> str:
    """A room name that no other test uses, and that a URL must escape."""
    return f"call-_+15105550100_{uuid.uuid4().hex}"
