"""Few files to open: the database and LiveKit keep theirs, and everything recovers by itself."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from entrypoints.http.server.open_files import LEAST_CLIENTS
from tests.hostile import few_files
from tests.integration.http.webhooks import Caller, eventually, send
from tests.livekit_server import free_port
from tests.service import START_LIMIT_SECONDS, Service, launch, running
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow

PATHS = ("/health", "/health/ready", "/sessions", "/metrics", "/telephony/calls")


@pytest.fixture
def environ(simulator: SimulatorProcess, sql_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a service on an empty database."""
    return {**simulator.environ, "DATABASE_URL": sql_url, "TELEPHONY_ENABLED": "true"}


def connect(service: Service) -> socket.socket:
    host, port = service.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


@contextmanager
def most_files(process: psutil.Process) -> Iterator[list[int]]:
    """Watch how many files ``process`` has open, for the length of a block."""
    seen = [process.num_fds()]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.005):
            seen.append(process.num_fds())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def work(
    url: str, number: int, times: int, all_in: threading.Barrier | None = None
) -> list[tuple[str, int]]:
    """Use every route on one connection; the answers that are not 200."""
    wrong = []
    with httpx.Client(base_url=url, timeout=15) as client:
        client.get("/health").raise_for_status()
        if all_in is not None:
            all_in.wait(30)
        for turn in range(times):
            event = Caller(room=f"r{number}-{turn}", room_sid=f"RM_{number}_{turn}").joined()
            answers = [
                client.post("/session", json={"userIdentity": "ann"}),
                send(client, event),
                *(client.get(path) for path in PATHS),
            ]
            wrong += [
                (answer.request.url.path, answer.status_code)
                for answer in answers
                if answer.status_code != 200
            ]
    return wrong


def starving(client: httpx.Client) -> set[tuple[str, int]]:
    """Ask for everything several times; each path with the status of its answer."""
    found = set()
    for _ in range(5):
        for path in PATHS:
            found.add((path, client.get(path).status_code))
        posted = client.post("/session", json={"userIdentity": "ann"}).status_code
        found.add(("/session", 503 if posted == 502 else posted))
    return found


@pytest.mark.parametrize("files", [96, 256])
def test_given_more_clients_than_files_then_those_that_are_in_are_served(
    environ: dict[str, str], tmp_path: Path, files: int
) -> None:
    limited = {**environ, "FEW_FILES": str(files)}
    with running(limited, tmp_path, few_files.__name__) as service, ExitStack() as stack:
        (worker,) = service.process.children()
        with most_files(worker) as seen, ThreadPoolExecutor(LEAST_CLIENTS) as pool:
            all_in = threading.Barrier(LEAST_CLIENTS + 1)
            busy = [
                pool.submit(work, service.url, number, 2, all_in) for number in range(LEAST_CLIENTS)
            ]
            all_in.wait(30)
            idle = [stack.enter_context(closing(connect(service))) for _ in range(files)]
            wrong = [answer for future in busy for answer in future.result()]
            for one in idle:
                one.close()

        assert wrong == []
        assert max(seen) < files
        assert work(service.url, 1000, 1) == []
    assert '"level":"error"' not in service.output()
    assert "Too many open files" not in service.output()


def test_given_too_few_files_then_it_does_not_start_and_says_how_many_it_needs(
    environ: dict[str, str], tmp_path: Path
) -> None:
    limited = {**environ, "FEW_FILES": "48", "PORT": str(free_port())}

    process, log = launch(limited, tmp_path, few_files.__name__)

    assert process.wait(START_LIMIT_SECONDS) == 1
    (line,) = log.read_text().splitlines()
    assert line.startswith("backend-livekit cannot start: A process may have 48 files open")
    assert "ulimit -Hn" in line


def test_given_the_number_that_it_asks_for_then_it_starts(
    environ: dict[str, str], tmp_path: Path
) -> None:
    refused = {**environ, "FEW_FILES": "40", "PORT": str(free_port())}
    process, log = launch(refused, tmp_path, few_files.__name__)
    assert process.wait(START_LIMIT_SECONDS) == 1
    needed = log.read_text().partition("configuration needs ")[2].partition(".")[0]

    with (
        running({**environ, "FEW_FILES": needed}, tmp_path, few_files.__name__) as service,
        ThreadPoolExecutor(LEAST_CLIENTS) as pool,
    ):
        done = [pool.submit(work, service.url, number, 1) for number in range(LEAST_CLIENTS)]

        assert [answer for future in done for answer in future.result()] == []


def test_given_no_file_left_for_anything_then_it_recovers_when_there_are_some(
    environ: dict[str, str], tmp_path: Path
) -> None:
    with running(environ, tmp_path) as service, ExitStack() as stack:
        (worker,) = service.process.children()
        clients = [
            stack.enter_context(httpx.Client(base_url=service.url, timeout=30)) for _ in range(12)
        ]
        for client in clients:
            client.get("/health").raise_for_status()
        unlimited = worker.rlimit(resource.RLIMIT_NOFILE)
        threads = worker.num_threads()

        worker.rlimit(resource.RLIMIT_NOFILE, (3, unlimited[1]))
        waiting = [stack.enter_context(closing(connect(service))) for _ in range(20)]
        with ThreadPoolExecutor(len(clients)) as pool:
            statuses = {pair for pairs in pool.map(starving, clients) for pair in pairs}
        worker.rlimit(resource.RLIMIT_NOFILE, unlimited)

        assert {status for path, status in statuses if path == "/health"} == {200}
        assert {status for _, status in statuses} <= {200, 503}, statuses
        for one in waiting:
            one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert one.recv(4096).startswith(b"HTTP/1.1 200 ")
        for path in PATHS:
            eventually(
                lambda path=path: httpx.get(f"{service.url}{path}"),  # type: ignore[misc]
                lambda answer: answer.status_code == 200,
            )
        with ThreadPoolExecutor(LEAST_CLIENTS) as pool:
            done = [pool.submit(work, service.url, number, 1) for number in range(LEAST_CLIENTS)]
            assert [answer for future in done for answer in future.result()] == []
        assert worker.num_threads() <= threads + 20
    assert "Traceback" not in service.output()
