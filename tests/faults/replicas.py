"""The service's processes, each on its own port for good, and their ledger's backup."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import attrs

from tests.databases import PostgresServer
from tests.machine import Machine
from tests.service import Service, start
from tests.warm_processes import popen


class Replicas:
    """Started, killed and stopped one at a time, or all at once.

    ``absences`` are the times (of the monotonic clock) at which no process of the service ran, or
    one was missing: from its end until it answers again.
    """

    def __init__(
        self,
        ports: list[int],
        environ: Mapping[str, str],
        folder: Path,
        skewed: Machine | None = None,
    ) -> None:
        self.kills = 0
        self.absences: list[tuple[float, float]] = []
        self._ports = ports
        self._environ = environ
        self._folder = folder
        self._skewed = skewed
        self._running: dict[int, Service] = {}
        self._lock = asyncio.Lock()

    def start(self) -> None:
        for port in self._ports:
            self._running[port] = self._start(port)

    def _start(self, port: int) -> Service:
        environ = {**self._environ, "PORT": str(port)}
        if self._skewed is not None and port == self._ports[-1]:
            environ |= self._skewed.environ
        return start(environ, self._folder)

    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    async def kill_one(self) -> None:
        """End the next one as ``kill -9`` does, and start it again at once."""
        async with self._lock:
            port = self._ports[self.kills % len(self._ports)]
            self.kills += 1
            began = time.monotonic()
            await asyncio.to_thread(self._running[port].kill)
            self._running[port] = await asyncio.to_thread(self._start, port)
            self.absences.append((began, time.monotonic()))

    async def restart_on(self, ledger: SessionStore) -> None:
        """Kill all of them, restore the ledger from its backup, and start them."""
        async with self._lock:
            began = time.monotonic()
            await asyncio.to_thread(self.stop)
            await asyncio.to_thread(ledger.restore)
            await asyncio.to_thread(self.start)
            self.absences.append((began, time.monotonic()))

    def stop(self) -> None:
        for service in self._running.values():
            if service.process.is_running():
                service.kill()

    def output(self) -> str:
        return "".join(log.read_text(errors="replace") for log in self._folder.glob("*.log"))


@attrs.frozen
class SessionStore:
    """The service's database, read and copied past the service."""

    url: str
    folder: Path
    postgres: PostgresServer | None

    @property
    def _name(self) -> str:
        return self.url.split("/")[3].split("?", maxsplit=1)[0]

    @property
    def _file(self) -> Path:
        return self.folder / "backup"

    def backup(self) -> None:
        """Copy it while the service writes: ``backend backup``, or ``pg_dump``."""
        if self.postgres is None:
            self._backend("backup")
        else:
            self._pg("pg_dump", "-Fc", "-f", str(self._file))

    def restore(self) -> None:
        """Put the copy in its place while the service does not run."""
        if self.postgres is None:
            self._backend("restore")
            return
        self.postgres.sql(f"DROP DATABASE {self._name} WITH (FORCE)")
        self.postgres.sql(f"CREATE DATABASE {self._name}")
        self._pg("pg_restore", str(self._file), option="-d")

    def inbox(self) -> dict[str, str]:
        """The status of each event in the inbox, by its id."""
        query = "SELECT event_id, status FROM inbox"
        if self.postgres is None:
            import sqlite3  # noqa: PLC0415

            with sqlite3.connect(self.url.removeprefix("sqlite+aiosqlite:///")) as connection:
                return dict(connection.execute(query).fetchall())
        lines = self.postgres.sql(query, self._name).splitlines()
        return dict(line.split("|", maxsplit=1) for line in lines)

    def _backend(self, command: str) -> None:
        environ = {"DATABASE_URL": self.url}
        with popen("entrypoints.cli", [command, str(self._file)], self.folder, environ) as process:
            code = process.wait()
        assert code == 0

    def _pg(self, program: str, *arguments: str, option: str = "-d") -> None:
        assert self.postgres is not None
        installation = self.postgres.installation
        command = [str(installation.bin_path / program), option,
                   installation.get_uri(self._name), *arguments]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
