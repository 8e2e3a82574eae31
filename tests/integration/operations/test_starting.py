"""Starting, and refusing to start, as a user does it: nothing has been imported before."""

from __future__ import annotations

import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from tests.databases import PostgresServer
from tests.integration.http.webhooks import eventually
from tests.livekit_server import free_port
from tests.service import STOP_LIMIT_SECONDS, launch, migrate, refusal, running, start
from tests.simulator import SimulatorProcess

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cold_processes")]


def test_given_no_configuration_then_one_message_names_it_all_and_the_code_is_2(
    tmp_path: Path,
) -> None:
    code, output = refusal({"PORT": "x", "LIVEKIT_API_SECRET": "hunter2"}, tmp_path)

    assert code == 2
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "PORT"):
        assert f"- {name} " in output
    assert "Traceback" not in output
    assert "hunter2" not in output


def test_given_a_port_in_use_then_a_sentence_says_so(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environ = {**simulator.environ, "HOST": "127.0.0.1", "PORT": str(port)}

        code, output = refusal(environ, tmp_path)

    assert code == 1
    assert f"PORT {port} is in use on HOST 127.0.0.1" in output
    assert output.count("\n") == 1


def test_given_an_unmigrated_postgresql_then_a_sentence_says_what_to_run(
    simulator: SimulatorProcess, postgres: PostgresServer, tmp_path: Path
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": postgres.empty_database()}

    code, output = refusal({**environ, "PORT": str(free_port())}, tmp_path)

    assert code == 1
    assert "make migrate" in output
    assert output.count("\n") == 1
    migrate(environ, tmp_path)
    with running(environ, tmp_path) as service:
        assert httpx.get(f"{service.url}/health/ready").status_code == 200


def test_backend_serve_starts_the_service_and_a_signal_stops_it(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": "memory://"}

    service = start(environ, tmp_path, "entrypoints.cli serve")
    response = httpx.post(f"{service.url}/session", json={"userIdentity": "user-42"})
    imported = _files_in_memory(service.process)

    assert response.status_code == 200, response.text
    assert any("granian" in file for file in imported)
    # The process that supervises has nothing of the application, which takes 60 MiB.
    assert not any("dependency_injector" in file for file in imported)
    assert service.stop() == 0


def _files_in_memory(process: psutil.Process) -> set[str]:
    """Return the native libraries that a process has loaded."""
    return {region.path for region in process.memory_maps()}


def test_while_the_schema_does_not_fit_yet_nobody_is_let_in(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    database, port = tmp_path / "x.db", free_port()
    environ = {
        **simulator.environ,
        "DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        "PORT": str(port),
    }
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")  # so that nobody can migrate
        process, log = launch(environ, tmp_path)
        eventually(lambda: len(process.children()), bool)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=1)
            assert process.is_running()
            time.sleep(0.02)
        other.execute("ROLLBACK")

    def ready() -> int:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code
        except httpx.ConnectError:
            return 0

    seen = eventually(ready, bool)
    process.terminate()
    assert process.wait(timeout=STOP_LIMIT_SECONDS) == 0, log.read_text()
    assert seen == 200


@pytest.mark.parametrize("after", [0.1, 0.4, 0.8, 1.2])
def test_given_a_signal_while_it_starts_then_it_stops(
    simulator: SimulatorProcess, processes: dict[str, str], tmp_path: Path, after: float
) -> None:
    environ = {**simulator.environ, **processes, "PORT": str(free_port())}
    process, log = launch(environ, tmp_path)
    while not process.children() and process.is_running():
        time.sleep(0.005)
    workers = process.children()
    time.sleep(after)
    process.terminate()

    assert process.wait(timeout=STOP_LIMIT_SECONDS) == 0, log.read_text()
    assert psutil.wait_procs(workers, timeout=STOP_LIMIT_SECONDS)[1] == []
