"""A migration only adds, or it raises the floor."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select
from sqlalchemy.engine.interfaces import ReflectedColumn

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.database_url import database
from adapters.sqlalchemy.schema import migrations
from adapters.sqlalchemy.schema.metadata import schema_floor
from adapters.sqlalchemy.schema.migrations import SCHEMA_VERSION, alembic_config, upgrade
from tests.integration.migrations.later_version import TABLES, later_version

FIRST = "0004"
"""The migration that brought the floor."""


@attrs.frozen
class Shape:
    """What code can see of a database: its columns by table and name, its unique indexes."""

    floor: str
    columns: dict[tuple[str, str], ReflectedColumn]
    unique: set[tuple[str, str]]

    def broken_by(self, later: Shape) -> list[str]:
        """What code that works with this shape misses, or does not know of, in ``later``."""
        tables = {table for table, _ in self.columns}
        gone = self.columns.keys() - later.columns.keys()
        broken = [f"{table}.{name} is gone" for table, name in sorted(gone)]
        for (table, name), new in later.columns.items():
            old = self.columns.get((table, name))
            if old is not None and str(old["type"]) != str(new["type"]):
                broken.append(f"{table}.{name} has another type")
            needed = not new["nullable"] and new["default"] is None
            if table in tables and needed and (old is None or old["nullable"]):
                broken.append(f"{table}.{name} must be given")
        broken += [
            f"{table}.{name} refuses rows"
            for table, name in later.unique - self.unique
            if table in tables
        ]
        return broken


def shape_of(connection: Connection) -> Shape:
    found = inspect(connection)
    return Shape(
        floor=connection.scalars(select(schema_floor.c.version)).one(),
        columns={
            (table, column["name"]): column
            for table in found.get_table_names()
            for column in found.get_columns(table)
        },
        unique={
            (table, str(index["name"]))
            for table in found.get_table_names()
            for index in found.get_indexes(table)
            if index["unique"]
        },
    )


async def shape(target: Database) -> Shape:
    async with target.reader.connect() as connection:
        return await connection.run_sync(shape_of)


async def careless(url: str, since: str = FIRST) -> dict[str, list[str]]:
    """Migrations that break older code and leave the floor where it was, and what they break."""
    scripts = ScriptDirectory.from_config(alembic_config())
    target, found = database(url), dict[str, list[str]]()
    await target.prepare()
    await upgrade(target, since)
    before = await shape(target)
    for script in reversed(list(scripts.walk_revisions(since, "heads"))):
        await upgrade(target, script.revision)
        after = await shape(target)
        if after.floor <= before.floor and (broken := before.broken_by(after)):
            found[script.revision] = broken
        before = after
    await target.dispose()
    return found


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This version's migrations and a later one's."""
    checkout = later_version(tmp_path)
    monkeypatch.setattr(migrations, "ALEMBIC_FOLDER", checkout / "alembic")
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", "9003")
    return checkout


@pytest.mark.slow
async def test_no_migration_takes_anything_away_without_raising_the_floor(
    empty_sqlite_url: str, checkout: Path
) -> None:
    assert await careless(empty_sqlite_url) == {}


async def test_one_that_did_would_be_noticed(sqlite_url: str, checkout: Path) -> None:
    versions = checkout / "alembic" / "versions"
    for name, line in (("9001", 'server_default="0"'), ("9003", 'set_floor("9001")')):
        file = versions / f"{name}.py"
        file.write_text(file.read_text().replace(line, ""))

    assert await careless(sqlite_url, since=SCHEMA_VERSION) == {
        "9001": [f"{table}.priority must be given" for table in TABLES],
        "9003": ["sessions.called_number is gone"],
    }
