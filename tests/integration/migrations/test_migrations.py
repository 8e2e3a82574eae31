"""Every migration, up and down, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from adapters.sqlalchemy.database import Database, database
from adapters.sqlalchemy.migrations import (
    SCHEMA_VERSION,
    alembic_config,
    current,
    downgrade,
    upgrade,
)
from adapters.sqlalchemy.tables import metadata


@pytest.fixture
async def empty(sql_url: str) -> AsyncIterator[Database]:
    target = database(sql_url)
    await target.prepare()
    yield target
    await target.dispose()


async def table_names(target: Database) -> set[str]:
    async with target.reader.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


def test_the_version_in_code_is_the_newest_migration() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert scripts.get_heads() == [SCHEMA_VERSION]
    by_age = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    assert by_age == sorted(by_age), "ensure_schema tells older from newer by the names"


async def test_up_down_and_up_again(empty: Database) -> None:
    for _ in range(2):
        assert await current(empty) is None
        await upgrade(empty)
        assert await current(empty) == SCHEMA_VERSION
        assert await table_names(empty) == {"alembic_version", *metadata.tables}
        await downgrade(empty, "base")
        assert await table_names(empty) == {"alembic_version"}


async def test_upgrading_what_is_up_changes_nothing(empty: Database) -> None:
    await upgrade(empty)
    await upgrade(empty)
    assert await current(empty) == SCHEMA_VERSION


async def test_the_migrated_schema_is_the_one_in_code(empty: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    await upgrade(empty)
    async with empty.reader.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_indexes_are_the_ones_in_code(empty: Database) -> None:
    """Alembic compares an index's name and columns, not its condition."""

    def migrated(connection: Connection) -> dict[str, object]:
        found = inspect(connection).get_indexes("sessions")
        condition = f"{empty.reader.dialect.name}_where"
        return {
            str(index["name"]): (
                index["column_names"],
                bool(index["unique"]),
                "ended" in str(index.get("dialect_options", {}).get(condition)),
            )
            for index in found
        }

    await upgrade(empty)
    async with empty.reader.connect() as connection:
        assert await connection.run_sync(migrated) == {
            "uq_sessions_live_room": (["room_name"], True, True),
            "ix_sessions_room_created": (["room_name", "created_at", "id"], False, False),
        }
