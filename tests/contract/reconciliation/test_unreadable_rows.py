"""A row that this version cannot read keeps the reconciler from no other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, Table, update

from adapters.sqlalchemy.calls.table import calls
from adapters.sqlalchemy.sessions.table import sessions
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.shared.errors import StorageUnavailable, Unreadable
from tests.contract.storage.ledgers import new_call, new_session, opened


@pytest.fixture
async def ledger(sql_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(sql_url) as ledger:
        assert isinstance(ledger, SqlStorage)
        yield ledger


async def spoil(ledger: SqlStorage, table: Table, row_id: str, **values: str) -> None:
    """Store what no version has written."""
    statement = update(table).where(table.c.id == row_id).values(**values)

    def change(connection: Connection) -> None:
        connection.execute(statement)

    await ledger.database.transact(change)


async def test_of_live_sessions_the_readable_ones_are_read(ledger: SqlStorage) -> None:
    good, bad = new_session(), new_session()
    async with ledger.unit_of_work() as work:
        await work.sessions.add(good)
        await work.sessions.add(bad)
        await work.commit()
    await spoil(ledger, sessions, str(bad.id), status="of a later version")

    unreadable: list[StorageUnavailable] = []
    async with ledger.unit_of_work() as work:
        found = [one.id async for page in work.sessions.live(unreadable, SYSTEM) for one in page]
        with pytest.raises(Unreadable):
            await work.sessions.get(bad.id, SYSTEM)

    assert found == [good.id]
    assert [str(bad.id) in str(error) for error in unreadable] == [True]


async def test_of_live_calls_the_readable_ones_are_read(ledger: SqlStorage) -> None:
    good, bad = new_call(), new_call()
    async with ledger.unit_of_work() as work:
        await work.calls.add(good)
        await work.calls.add(bad)
        await work.commit()
    await spoil(ledger, calls, str(bad.id), status="unheard of", timeline="no JSON")

    unreadable: list[StorageUnavailable] = []
    async with ledger.unit_of_work() as work:
        found = [one.id async for page in work.calls.live(unreadable, SYSTEM) for one in page]
        with pytest.raises(Unreadable):
            await work.calls.get(bad.id, SYSTEM)

    assert found == [good.id]
    assert [str(bad.id) in str(error) for error in unreadable] == [True]
