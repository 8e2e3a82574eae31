"""PostgreSQL stops, dies, hangs or cannot be reached."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.sessions.session_store import SessionStore
from domain.shared.errors import StorageUnavailable
from tests.contract.storage.ledgers import new_session, opened
from tests.contract.storage.test_locked_rows import locked
from tests.databases import PostgresServer, running_postgres
from tests.livekit_server import free_port

pytestmark = pytest.mark.slow

PATIENCE = timedelta(seconds=0.5)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that nobody else minds losing."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def storage(server: PostgresServer) -> AsyncIterator[SqlStorage]:
    """A ledger with connections in its pool."""
    async with opened(server.new_database(), PATIENCE) as storage:
        assert isinstance(storage, SqlStorage)
        await asyncio.gather(*(storage.check() for _ in range(5)))
        yield storage


async def assert_unavailable(storage: SqlStorage, reason: str = "") -> None:
    """Reading, writing and the probe all say why not."""
    ledger, session = SessionStore(storage.unit_of_work), new_session()
    for attempt in (ledger.add(session), ledger.get(session.id, SYSTEM), storage.check()):
        with pytest.raises(StorageUnavailable) as caught:
            await attempt
        assert reason in str(caught.value)
        assert "sessions" not in str(caught.value)  # no SQL
        assert caught.value.__suppress_context__


async def assert_available(storage: SqlStorage) -> None:
    ledger = SessionStore(storage.unit_of_work)
    session = await ledger.add(new_session())
    assert await ledger.get(session.id, SYSTEM) == session
    await storage.check()


async def test_while_it_is_stopped_and_when_it_is_back(
    server: PostgresServer, storage: SqlStorage
) -> None:
    server.stop()
    try:
        await assert_unavailable(storage)
    finally:
        server.start()
    await assert_available(storage)


async def test_a_restart_between_two_requests_goes_unnoticed(
    server: PostgresServer, storage: SqlStorage
) -> None:
    server.stop()
    server.start()
    await asyncio.sleep(0.05)  # for the sockets' ends to arrive
    await assert_available(storage)


async def test_what_is_committed_survives_its_death(
    server: PostgresServer, storage: SqlStorage
) -> None:
    session = await SessionStore(storage.unit_of_work).add(new_session())
    server.crash()
    server.start()
    await asyncio.sleep(0.05)
    assert await SessionStore(storage.unit_of_work).get(session.id, SYSTEM) == session


async def test_while_it_hangs_and_when_it_goes_on(
    server: PostgresServer, storage: SqlStorage
) -> None:
    with server.hanging():
        with pytest.raises(StorageUnavailable):
            await SessionStore(storage.unit_of_work).add(new_session())
        with pytest.raises(StorageUnavailable, match="did not answer in time"):
            await storage.check()
    await assert_available(storage)


async def test_a_table_that_somebody_has_locked(
    server: PostgresServer, storage: SqlStorage
) -> None:
    ledger = SessionStore(storage.unit_of_work)
    async with locked(server, storage, "LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE"):
        seen = await asyncio.gather(
            *(ledger.add(new_session()) for _ in range(30)), return_exceptions=True
        )
    assert all(isinstance(result, StorageUnavailable) for result in seen)
    await assert_available(storage)


async def test_a_table_that_is_gone(server: PostgresServer, storage: SqlStorage) -> None:
    server.sql("DROP TABLE sessions CASCADE", str(storage.database.url.database))
    with pytest.raises(StorageUnavailable, match=r"lacks a table.*make migrate"):
        await SessionStore(storage.unit_of_work).add(new_session())


async def test_a_row_that_a_newer_version_wrote(
    server: PostgresServer, storage: SqlStorage
) -> None:
    ledger = SessionStore(storage.unit_of_work)
    session = await ledger.add(new_session())
    server.sql("UPDATE sessions SET status = 'asleep'", str(storage.database.url.database))
    with pytest.raises(StorageUnavailable, match=f"{session.id} cannot be read"):
        await ledger.get(session.id, SYSTEM)


async def test_nobody_listens() -> None:
    url = f"postgresql+asyncpg://somebody:their-password@127.0.0.1:{free_port()}/ledger"
    with pytest.raises(StorageUnavailable, match="cannot be reached") as caught:
        async with SqlStorage(url, PATIENCE):
            pass
    assert "their-password" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


async def test_somebody_listens_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(StorageUnavailable, match="did not answer in time"):
            async with SqlStorage(f"postgresql+asyncpg://me@127.0.0.1:{port}/ledger", PATIENCE):
                pass


async def test_a_database_that_does_not_exist(server: PostgresServer) -> None:
    url = server.new_database().replace("/test_", "/other_")
    with pytest.raises(StorageUnavailable, match="does not exist on its server"):
        async with SqlStorage(url, PATIENCE):
            pass


@pytest.mark.parametrize(
    "url",
    ["", "postgresql+asyncpg://me:secret@host:port/ledger", "mysql://me:secret@host/ledger"],
)
async def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(StorageUnavailable, match="DATABASE_URL") as caught:
        SqlStorage(url)
    assert "secret" not in str(caught.value)


async def test_an_option_that_the_driver_does_not_know(server: PostgresServer) -> None:
    with pytest.raises(StorageUnavailable, match=r"option 'colour'.*sslmode"):
        SqlStorage(server.new_database() + "&colour=red", PATIENCE)


async def test_an_option_by_the_name_that_other_drivers_give_it(server: PostgresServer) -> None:
    async with opened(server.new_database() + "&sslmode=disable", PATIENCE) as storage:
        await storage.check()
