"""What is measured and what it is measured with: processes, for the length of a block."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psutil

from tests.databases import PostgresServer, running_postgres
from tests.livekit_server import API_KEY, API_SECRET, free_port
from tests.service import Service, running

FLOOR: Final = "floor"
STORAGES: Final = ("sqlite", "postgresql", "memory")


def both_databases(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the URL of an empty database of SQLite, then of PostgreSQL."""
    with running_postgres() as postgres:
        yield "sqlite", f"sqlite+aiosqlite:///{folder}/{name}.db"
        yield "postgresql", postgres.empty_database()


@contextmanager
def stub_livekit(rooms: int = 0) -> Iterator[dict[str, str]]:
    """The environment of services whose LiveKit answers at once, with telephony on.

    It lists ``rooms`` and those of the dispatches. Without them the reconciler, which would find
    that no room exists, does not run; with them it runs at its default interval.
    """
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.stub_livekit", str(port), str(rooms)]
    stub = subprocess.Popen(command)
    try:
        time.sleep(0.5)
        yield {
            "LIVEKIT_URL": f"http://127.0.0.1:{port}",
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "TELEPHONY_ENABLED": "true",
            **({} if rooms else {"RECONCILE_INTERVAL_SECONDS": "86400"}),
            "PYTHONHASHSEED": "0",  # which alone makes one process a tenth faster than another
        }
    finally:
        stub.terminate()
        stub.wait()


@contextmanager
def floor(environ: Mapping[str, str], folder: Path) -> Iterator[Service]:
    """The handlers that keep nothing."""
    with running(environ, folder, "tests.benchmarks.floors") as service:
        yield service


@contextmanager
def ours(
    storage: str, environ: Mapping[str, str], folder: Path, postgres: PostgresServer | None = None
) -> Iterator[Service]:
    """The service on an empty ledger of this kind."""
    url = "memory://"
    if storage == "sqlite":
        url = f"sqlite+aiosqlite:///{folder}/ledger.db"
    elif storage == "postgresql":
        assert postgres is not None
        url = postgres.new_database()
    folder.mkdir(exist_ok=True)
    environ = {**environ, "DATABASE_URL": url}
    with running(environ, folder) as service:
        yield service


@contextmanager
def all_of_them(folder: Path) -> Iterator[dict[str, Service]]:
    """The floor and the service on each storage, beside each other; one is busy at a time."""
    with ExitStack() as stack:
        environ = stack.enter_context(stub_livekit())
        postgres = stack.enter_context(running_postgres())
        services = {FLOOR: stack.enter_context(floor(environ, folder))}
        for storage in STORAGES:
            services[storage] = stack.enter_context(
                ours(storage, environ, folder / storage, postgres)
            )
        yield services


def let_rest(services: Iterable[Service]) -> None:
    """Return once none of them works any more on what it was sent, or after 10 seconds.

    What one still handles would slow down the next that is loaded.
    """
    workers = [worker_of(service) for service in services]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        before = [worker.cpu_times() for worker in workers]
        time.sleep(0.1)
        after = [worker.cpu_times() for worker in workers]
        used = sum(
            now.user + now.system - was.user - was.system
            for was, now in zip(before, after, strict=True)
        )
        if used <= 0.02:  # two of the clock ticks in which it is told
            return


def worker_of(service: Service) -> psutil.Process:
    """The process that answers (the first of them), not the one that watches over it."""
    children: list[psutil.Process] = service.process.children()
    return children[0]
