"""Starting, refusing to start, stopping, being killed."""

from __future__ import annotations

import signal
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from tests.databases import PostgresServer
from tests.integration.http.webhooks import eventually
from tests.livekit_server import API_SECRET, free_port
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


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_given_a_signal_then_it_stops_with_code_0_and_leaves_nothing_behind(
    simulator: SimulatorProcess, tmp_path: Path, sig: signal.Signals
) -> None:
    service = start({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path)

    assert service.stop(sig) == 0
    assert '"stopped"' in service.output()


@pytest.mark.parametrize("after", [0.1, 0.4, 0.7, 1.0, 1.3])
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


def test_given_a_request_in_flight_then_a_signal_lets_it_finish(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    service = start({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path)
    simulator.fault("CreateDispatch", "hang", applied=True, seconds=3)
    with ThreadPoolExecutor() as pool:
        body = {"userIdentity": "ann", "roomName": room}
        answer = pool.submit(httpx.post, f"{service.url}/session", json=body, timeout=30)
        while simulator.room(room) is None:
            time.sleep(0.05)

        code = service.stop()

    assert answer.result().status_code == 200
    assert code == 0


def test_given_a_caller_who_goes_away_in_the_middle_then_the_log_shows_no_defect(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with running({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path) as service:
        port = int(service.url.rpartition(":")[2])
        head = b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(head + b"Content-Length: 100\r\n\r\n{")

        assert httpx.get(f"{service.url}/health").status_code == 200

    assert '"unexpected error"' not in service.output()


def test_given_a_killed_parent_then_no_worker_keeps_the_port(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    service = start({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path)
    [worker] = service.process.children()

    service.process.kill()
    service.process.wait(timeout=STOP_LIMIT_SECONDS)

    worker.wait(timeout=STOP_LIMIT_SECONDS)


def test_given_kill_9_then_what_was_acknowledged_is_still_there(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/x.db"}
    first = start(environ, tmp_path)
    body = {"userIdentity": "ann", "roomName": room}
    started = httpx.post(f"{first.url}/session", json=body).json()
    first.kill()

    with running(environ, tmp_path) as second:
        again = httpx.post(f"{second.url}/session", json=body).json()

    assert again["sessionId"] == started["sessionId"]
    assert len(simulator.dispatches(room)) == 1


def test_given_kill_9_during_a_dispatch_then_the_next_post_settles_it(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/x.db"}
    first = start(environ, tmp_path)
    body = {"userIdentity": "ann", "roomName": room}
    simulator.fault("CreateDispatch", "hang", applied=True)
    with ThreadPoolExecutor() as pool:
        cut_off = pool.submit(httpx.post, f"{first.url}/session", json=body, timeout=60)
        eventually(lambda: simulator.dispatches(room), bool)
        first.kill()
        assert isinstance(cut_off.exception(), httpx.TransportError)

    with running(environ, tmp_path) as second:
        again = httpx.post(f"{second.url}/session", json=body, timeout=30)

    assert (again.status_code, again.json()["agentDispatched"]) == (200, True)
    assert len(simulator.dispatches(room)) == 1


def test_no_line_of_the_log_shows_a_secret_or_a_token(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    with running({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path) as service:
        body = {"userIdentity": "ann", "roomName": room}
        token = httpx.post(f"{service.url}/session", json=body).json()["userToken"]
        simulator.fault("*", "error", times=20)
        httpx.post(f"{service.url}/session", json=body)
        simulator.no_faults()

    assert '"request failed"' in service.output()
    assert API_SECRET not in service.output()
    assert token not in service.output()
    assert "eyJ" not in service.output()
