"""Every migration, up and down, on both databases."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, column, insert, inspect, null, select, table

from adapters.sqlalchemy.calls.mapping import to_call
from adapters.sqlalchemy.calls.table import calls
from adapters.sqlalchemy.capabilities import metadata
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.database_url import database
from adapters.sqlalchemy.schema.metadata import ONLY_POSTGRESQL, is_compared
from adapters.sqlalchemy.schema.migrations import (
    SCHEMA_VERSION,
    alembic_config,
    current,
    downgrade,
    upgrade,
)
from adapters.sqlalchemy.sessions.mapping import to_session
from adapters.sqlalchemy.sessions.table import sessions


@pytest.fixture
async def empty(empty_sql_url: str) -> AsyncIterator[Database]:
    target = database(empty_sql_url)
    await target.prepare()
    yield target
    await target.dispose()


@pytest.fixture
async def migrated(sql_url: str) -> AsyncIterator[Database]:
    target = database(sql_url)
    yield target
    await target.dispose()


async def table_names(target: Database) -> set[str]:
    async with target.reader.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    return {name for name in names if is_compared(None, name, "table")}


def test_the_version_in_code_is_the_newest_migration() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert scripts.get_heads() == [SCHEMA_VERSION]
    by_age = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    assert by_age == sorted(by_age), "ensure_schema tells older from newer by the names"


async def test_down_and_up_again(migrated: Database) -> None:
    await downgrade(migrated, "base")
    assert await current(migrated) is None
    assert await table_names(migrated) == {"alembic_version"}

    await upgrade(migrated)
    assert await current(migrated) == SCHEMA_VERSION
    assert await table_names(migrated) == {"alembic_version", *metadata.tables}


async def test_upgrading_what_is_up_changes_nothing(migrated: Database) -> None:
    await upgrade(migrated)
    assert await current(migrated) == SCHEMA_VERSION


async def test_the_migrated_schema_is_the_one_in_code(migrated: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {
            "compare_type": True, "compare_server_default": True, "include_object": is_compared,
        }  # fmt: skip
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    async with migrated.reader.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_indexes_are_the_ones_in_code(migrated: Database) -> None:
    """Alembic compares an index's name and columns, not its condition."""
    condition = f"{migrated.reader.dialect.name}_where"

    def found(connection: Connection) -> dict[str, object]:
        return {
            str(index["name"]): (
                index["column_names"],
                bool(index["unique"]),
                words(index.get("dialect_options", {}).get(condition)),
            )
            for table in metadata.tables
            for index in inspect(connection).get_indexes(table)
        }

    def words(where: object) -> list[str]:
        """A condition without what each database writes in its own way."""
        names = r"pending|handled|dead|ended|room_finished|NOT NULL|NULL|'ix_\w+'"
        return [] if where is None else re.findall(names, str(where))

    in_code = {
        str(index.name): (
            [column.name for column in index.columns],
            index.unique,
            words(index.dialect_options[migrated.reader.dialect.name]["where"]),
        )
        for table in metadata.tables.values()
        for index in table.indexes
        if not migrated.embedded or index.name not in ONLY_POSTGRESQL
    }
    async with migrated.reader.connect() as connection:
        assert await connection.run_sync(found) == in_code
    assert in_code["uq_sessions_live_room"] == (["room_name"], True, ["ended"])


async def test_what_is_stored_survives_an_upgrade(empty: Database) -> None:
    """The first version's sessions are read by this one."""
    await upgrade(empty, "0001")
    row = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "room_name": "room-1", "identity": "user-1",
        "agent_name": "agent", "agent_config": "{}", "status": "agent_dispatched",
        "dispatch_id": "AD_1", "claim_uncertain": False, "version": 1,
        "created_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
    }  # fmt: skip
    columns = [sessions.c[name] for name in row]
    old = insert(table("sessions", *(column(one.name, one.type) for one in columns)))
    async with empty.writer.begin() as connection:
        await connection.execute(old, row)
    await upgrade(empty)
    async with empty.reader.connect() as connection:
        kept = to_session((await connection.execute(select(sessions))).one())
    assert kept.dispatch_id == "AD_1"
    assert kept.phone is None
    await downgrade(empty, "0001")
    assert await current(empty) == "0001"
    async with empty.reader.connect() as connection:
        kept_name = await connection.scalar(select(sessions.c.room_name))
    assert kept_name == "room-1"


async def test_given_calls_of_an_older_version_then_they_survive_dialled_calls_and_back(
    empty: Database,
) -> None:
    await upgrade(empty, "0010")
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    old = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "room_name": "call-1", "room_sid": "RM_1",
        "participant_sid": "PA_1", "participant_identity": "sip_1", "direction": "inbound",
        "from_number": "+15105550177", "status": "created", "created_at": noon,
        "was_active_at_end": False, "aborted": False, "timeline": "[]", "version": 3,
    }  # fmt: skip
    dialled = {
        **old, "id": "01890a5d-ac96-774b-bcce-b302099a8058", "room_sid": None,
        "participant_sid": None, "direction": "outbound", "to_number": "+15105550199",
    }  # fmt: skip
    async with empty.writer.begin() as connection:
        await connection.execute(insert(calls).inline(), old)
    await upgrade(empty, "0011")
    later = ("route", "announce_at")  # columns of later versions
    columns = [null().label(one.name) if one.name in later else one for one in calls.c]
    async with empty.writer.begin() as connection:
        kept = to_call((await connection.execute(select(*columns))).one())
        await connection.execute(insert(calls).inline(), dialled)
    assert kept.leg is not None
    assert (kept.leg.joined_at, kept.created_at, kept.placed_at) == (noon, noon, None)
    assert (kept.leg.from_number, kept.version) == ("+15105550177", 3)

    await downgrade(empty, "0010")

    async with empty.reader.connect() as connection:
        assert (await connection.scalars(select(calls.c.id))).all() == [old["id"]]
