"""Stopping and being killed."""

from __future__ import annotations

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.databases import sqlite_in
from tests.integration.http.webhooks import eventually
from tests.livekit_server import API_SECRET
from tests.service import STOP_LIMIT_SECONDS, running, start
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_given_a_signal_then_it_stops_with_code_0_and_leaves_nothing_behind(
    simulator: SimulatorProcess, tmp_path: Path, sig: signal.Signals
) -> None:
    service = start({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path)

    assert service.stop(sig) == 0
    assert '"stopped"' in service.output()


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
    environ = {**simulator.environ, "DATABASE_URL": sqlite_in(tmp_path)}
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
    environ = {**simulator.environ, "DATABASE_URL": sqlite_in(tmp_path)}
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
