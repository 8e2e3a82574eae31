"""A real LiveKit server, a real worker and the real service."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import psutil
import pytest
from livekit import api, rtc

from tests.databases import sqlite_in
from tests.livekit_server import LiveKitServer, free_port, livekit_server
from tests.service import PROJECT, Service, running
from tests.warm_processes import WITHOUT_MODELS, Process, popen

AGENT_NAME = "live-agent"
START_LIMIT_SECONDS = 120.0
EXAMPLE_WORKER: Final = PROJECT / "examples" / "agent_worker.py"


@attrs.frozen
class Worker:
    """A worker's running process."""

    process: psutil.Popen
    log: Path

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to the worker and the processes of its jobs."""
        family = [self.process, *self.process.children(recursive=True)]
        for member in family:
            if member.is_running():
                member.kill()
        self.process.wait(timeout=10)
        psutil.wait_procs(family[1:], timeout=10)

    def log_lines(self) -> list[dict[str, Any]]:
        """What it has logged: an object for each line, with ``pid`` and, in a job, ``room``."""
        whole = self.output().rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]


@contextmanager
def running_worker(
    environ: dict[str, str], folder: Path, program: Path = EXAMPLE_WORKER
) -> Iterator[Worker]:
    """A worker that has registered."""
    log = folder / "worker.log"
    with log.open("wb") as output:
        given = {
            "HOME": str(folder),
            "AGENT_NAME": AGENT_NAME,
            "AGENT_PIPELINE": "offline",
            "WORKER_MAX_JOBS": "1000",  # a busy machine must not cost a test its agent
            **WITHOUT_MODELS,
            **environ,
        }
        started = popen(
            str(program), ["start"], folder, given, stdout=output, stderr=subprocess.STDOUT
        )
    process = Process(started)
    worker = Worker(process, log)
    try:
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while "registered worker" not in worker.output():
            assert process.poll() is None, worker.output()
            assert time.monotonic() < deadline, worker.output()
            time.sleep(0.1)
        yield worker
    finally:
        if process.poll() is None:
            worker.kill()


@pytest.fixture(scope="session")
def telephony_port() -> int:
    """Where LiveKit's webhooks go: nobody listens there but in the tests of telephony."""
    return free_port()


@pytest.fixture(scope="session")
def server(
    telephony_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveKitServer]:
    webhooks = f"http://127.0.0.1:{telephony_port}/telephony/livekit-webhook"
    folder = tmp_path_factory.mktemp("livekit")
    with livekit_server(folder, webhook_urls=[webhooks]) as server:
        yield server


@pytest.fixture(scope="session")
def environ(server: LiveKitServer) -> dict[str, str]:
    return {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
    }


@pytest.fixture(scope="session")
def worker(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with running_worker(environ, tmp_path_factory.mktemp("worker")) as worker:
        yield worker


@pytest.fixture(scope="session")
def service_environ(
    environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("ledger")
    return {
        **environ,
        "AGENT_NAME": AGENT_NAME,
        "DATABASE_URL": sqlite_in(folder),
    }


@pytest.fixture(scope="session")
def service(
    service_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running(service_environ, tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture(scope="module")
def telephony_environ(
    environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """A service that takes calls, has a ledger of its own and looks every second."""
    folder = tmp_path_factory.mktemp("calls")
    return {
        **environ,
        "AGENT_NAME": AGENT_NAME,
        "DATABASE_URL": sqlite_in(folder),
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "1",
    }


@pytest.fixture(scope="module")
def telephony(
    telephony_environ: dict[str, str],
    telephony_port: int,
    worker: Worker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A service that webhooks reach."""
    environ = {**telephony_environ, "PORT": str(telephony_port)}
    with running(environ, tmp_path_factory.mktemp("telephony")) as service:
        yield service


@pytest.fixture
async def telephony_http(telephony: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=telephony.url, timeout=60) as client:
        yield client


@pytest.fixture
async def http(service: Service, worker: Worker) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        yield client


@pytest.fixture
async def livekit(server: LiveKitServer) -> AsyncIterator[api.LiveKitAPI]:
    """The server's own answers, without the code under test in between."""
    async with api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit:
        yield livekit


@pytest.fixture
def room() -> str:
    return f"live-{uuid.uuid4()}"


@pytest.fixture
async def participant() -> AsyncIterator[rtc.Room]:
    """A participant who has not joined yet."""
    room = rtc.Room()
    yield room
    await room.disconnect()


@pytest.fixture
async def second_participant() -> AsyncIterator[rtc.Room]:
    """Another one."""
    room = rtc.Room()
    yield room
    await room.disconnect()
