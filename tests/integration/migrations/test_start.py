"""What a start does about the schema it finds."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from adapters.sqlalchemy.engine.database_url import database
from adapters.sqlalchemy.engine.errors import SchemaOutdated
from adapters.sqlalchemy.schema.migrations import SCHEMA_VERSION, current, migrate
from adapters.sqlalchemy.storage import SqlStorage
from tests.service import PROJECT
from tests.warm_processes import popen

OPEN = """
import asyncio, sys
from adapters.sqlalchemy.storage import SqlStorage

async def main():
    async with SqlStorage(sys.argv[1]) as ledger:
        await ledger.check()
        print("alembic" in sys.modules)

asyncio.run(main())
"""


def start(url: str, folder: Path) -> subprocess.Popen[str]:
    """A process that opens the ledger and says whether it needed Alembic."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", OPEN, url],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def pretend(url: str, version: str, floor: str = SCHEMA_VERSION) -> None:
    """Let the database at ``url`` claim to have schema ``version``, for code from ``floor`` on."""
    target = database(url)
    async with target.writer.begin() as connection:
        await connection.execute(
            text("UPDATE alembic_version SET version_num = :v"), {"v": version}
        )
        await connection.execute(text("UPDATE schema_floor SET version = :v"), {"v": floor})
    await target.dispose()


async def test_a_new_sqlite_file_and_its_folder_are_made(empty_sqlite_url: str) -> None:
    async with SqlStorage(empty_sqlite_url) as ledger:
        await ledger.check()
        assert await current(ledger.database) == SCHEMA_VERSION


@pytest.mark.slow
def test_processes_that_start_together_on_a_new_file_all_succeed(
    empty_sqlite_url: str, tmp_path: Path
) -> None:
    processes = [start(empty_sqlite_url, tmp_path) for _ in range(6)]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors


def test_a_start_on_a_schema_that_fits_does_without_alembic(
    empty_sqlite_url: str, tmp_path: Path
) -> None:
    for needed in ("True", "False"):
        output, errors = start(empty_sqlite_url, tmp_path).communicate(timeout=60)
        assert output.strip() == needed, errors


async def test_migrating_twice_at_once_is_migrating_once(empty_sql_url: str) -> None:
    versions = await asyncio.gather(*(migrate(empty_sql_url) for _ in range(4)))

    assert set(versions) == {SCHEMA_VERSION}
    async with SqlStorage(empty_sql_url) as ledger:
        await ledger.check()


async def test_a_server_without_a_schema_is_not_touched(empty_postgres_url: str) -> None:
    with pytest.raises(SchemaOutdated, match=rf"has no schema.*{SCHEMA_VERSION}.*make migrate"):
        async with SqlStorage(empty_postgres_url):
            pass
    target = database(empty_postgres_url)
    assert await current(target) is None
    await target.dispose()


async def test_a_server_with_an_older_schema_is_not_touched(postgres_url: str) -> None:
    await pretend(postgres_url, "0000")
    with pytest.raises(SchemaOutdated, match=rf"0000.*{SCHEMA_VERSION}.*make migrate"):
        async with SqlStorage(postgres_url):
            pass


async def test_a_newer_schema_that_only_has_more_is_served_and_left_alone(sql_url: str) -> None:
    await pretend(sql_url, "9999")
    async with SqlStorage(sql_url) as ledger:
        await ledger.check()
    assert await migrate(sql_url) == "9999"


async def test_a_newer_schema_that_lacks_something_asks_for_a_newer_service(sql_url: str) -> None:
    await pretend(sql_url, "9999", floor="9998")
    for told in (rf"9999, newer than {SCHEMA_VERSION}", "9998 or newer"):
        with pytest.raises(SchemaOutdated, match=told):
            async with SqlStorage(sql_url):
                pass
    with pytest.raises(SchemaOutdated, match="newer version of the service"):
        await migrate(sql_url)


async def test_a_newer_schema_that_does_not_say_whom_it_fits_fits_nobody_else(
    sql_url: str,
) -> None:
    await pretend(sql_url, "9999")
    target = database(sql_url)
    async with target.writer.begin() as connection:
        await connection.execute(text("DROP TABLE schema_floor"))
    await target.dispose()
    with pytest.raises(SchemaOutdated, match="9999 or newer"):
        async with SqlStorage(sql_url):
            pass


async def test_the_probe_notices_a_schema_that_changes_later(sql_url: str) -> None:
    async with SqlStorage(sql_url) as ledger:
        await pretend(sql_url, "9999")
        await ledger.check()
        await pretend(sql_url, "9999", floor="9999")
        with pytest.raises(SchemaOutdated):
            await ledger.check()


def test_the_alembic_command_works_from_the_checkout(empty_sqlite_url: str) -> None:
    environ = {"DATABASE_URL": empty_sqlite_url}
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=PROJECT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for arguments, expected in (
        (["check"], 0),
        (["downgrade", "base"], 0),
        (["upgrade", "head", "--sql"], 1),
    ):
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        with popen("alembic", arguments, PROJECT, environ, **streams, text=True) as command:
            _, errors = command.communicate(timeout=60)
        assert command.returncode == expected, errors
