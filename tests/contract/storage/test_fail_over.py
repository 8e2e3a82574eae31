"""PostgreSQL moves from one node to another: writes follow it without a restart of ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from adapters.sqlalchemy.engine.hosts import Hosts
from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.errors import DomainError, StorageUnavailable
from entrypoints.settings.database_url import parse_database_url
from tests.clusters import Cluster, Node, running_cluster
from tests.contract.storage.ledgers import new_session, opened
from tests.databases import PostgresServer
from tests.livekit_server import free_port

pytestmark = pytest.mark.slow

PATIENCE = timedelta(seconds=2)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """One whose standby a test may promote."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def kept() -> Iterator[Cluster]:
    """One that is afterwards as it was before."""
    with running_cluster() as cluster:
        yield cluster


@asynccontextmanager
async def ledger_at(url: str) -> AsyncIterator[SqlStorage]:
    """A ledger whose pool has connections."""
    _, parsed = parse_database_url(url)
    await migrate(parsed)
    async with SqlStorage(parsed, PATIENCE) as storage:
        await asyncio.gather(*(storage.check() for _ in range(5)))
        yield storage


async def writes_until(storage: SqlStorage, done: asyncio.Event) -> list[Session]:
    """Add one session after the other; return those that were acknowledged."""
    ledger, acknowledged = SessionStore(storage.unit_of_work), []
    while not done.is_set():
        try:
            acknowledged.append(await ledger.add(new_session()))
        except StorageUnavailable:
            await asyncio.sleep(0.05)
    return acknowledged


async def resumes(storage: SqlStorage, within: float = 20) -> Session:
    """Return the first session that is acknowledged from now on."""
    deadline = time.monotonic() + within
    while True:
        try:
            return await SessionStore(storage.unit_of_work).add(new_session())
        except StorageUnavailable:
            assert time.monotonic() < deadline, "writes did not resume"
            await asyncio.sleep(0.05)


def stored(node: Node, database: str) -> set[str]:
    return set(node.sql("SELECT id FROM sessions", database).split())


def ids(sessions: list[Session]) -> set[str]:
    return {session.id.value for session in sessions}


async def test_given_a_fail_over_and_back_then_writes_follow_and_none_is_lost(
    cluster: Cluster,
) -> None:
    async with ledger_at(cluster.new_database("ledger")) as storage:
        done = asyncio.Event()
        writing = asyncio.gather(*(writes_until(storage, done) for _ in range(8)))
        await asyncio.sleep(0.3)

        await asyncio.to_thread(cluster.first.stop)
        await asyncio.to_thread(cluster.second.promote)
        on_second = await resumes(storage)
        await asyncio.to_thread(cluster.first.follow, cluster.second)
        await asyncio.sleep(0.3)

        await asyncio.to_thread(cluster.second.stop)
        await asyncio.to_thread(cluster.first.promote)
        on_first = await resumes(storage)
        await storage.check()
        done.set()
        acknowledged = [one for each in await writing for one in each]

    assert len(acknowledged) > 20
    assert stored(cluster.first, "ledger") >= ids([*acknowledged, on_second, on_first])


async def test_given_a_primary_demoted_without_closing_connections_then_the_next_write_moves(
    cluster: Cluster,
) -> None:
    async with ledger_at(cluster.new_database("ledger")) as storage:
        before = await SessionStore(storage.unit_of_work).add(new_session())
        make_read_only(cluster.first, read_only=True)
        cluster.second.promote()

        moved = [await SessionStore(storage.unit_of_work).add(new_session()) for _ in range(5)]
        read = await SessionStore(storage.unit_of_work).get(moved[-1].id, SYSTEM)

    assert read == moved[-1]
    assert stored(cluster.second, "ledger") == ids([before, *moved])


async def test_given_a_primary_that_falls_silent_then_the_other_node_is_reached(
    cluster: Cluster,
) -> None:
    async with ledger_at(cluster.new_database("ledger")) as storage:
        before = await SessionStore(storage.unit_of_work).add(new_session())
        thaw = cluster.first.freeze()
        try:
            cluster.second.promote()
            after = await resumes(storage)
            await storage.check()
        finally:
            thaw()

    assert stored(cluster.second, "ledger") >= ids([before, after])


@asynccontextmanager
async def one_address(cluster: Cluster) -> AsyncIterator[tuple[int, list[int]]]:
    """Yield a port that leads to the node whose port is last in the list.

    New connections go there, as by a name whose address changes; the others stay where they are.
    """
    targets, copying = [cluster.first.port], set[asyncio.Task[None]]()

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with closing(target):
            while data := await source.read(65536):
                target.write(data)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", targets[-1])
        for source, target in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(copy(source, target))
            copying.add(task)
            task.add_done_callback(copying.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], targets
    finally:
        server.close()
        for task in copying:
            task.cancel()
        await asyncio.gather(*copying, return_exceptions=True)


async def test_given_one_address_that_moves_to_the_new_primary_then_writes_move_with_it(
    cluster: Cluster,
) -> None:
    cluster.new_database("ledger")
    async with (
        one_address(cluster) as (port, targets),
        ledger_at(f"postgresql://postgres@127.0.0.1:{port}/ledger") as storage,
    ):
        before = await SessionStore(storage.unit_of_work).add(new_session())
        make_read_only(cluster.first, read_only=True)
        cluster.second.promote()
        targets.append(cluster.second.port)

        moved = [await SessionStore(storage.unit_of_work).add(new_session()) for _ in range(5)]
        await storage.check()

    assert stored(cluster.second, "ledger") == ids([before, *moved])


async def test_given_several_hosts_and_no_attribute_then_the_writable_one_is_used(
    kept: Cluster,
) -> None:
    url = kept.new_database("several").partition("?")[0]
    first, second = (f"127.0.0.1:{node.port}" for node in (kept.first, kept.second))
    reversed_url = url.replace(f"{first},{second}", f"{second},{first}")
    async with ledger_at(reversed_url) as storage:
        await SessionStore(storage.unit_of_work).add(new_session())


async def test_given_no_host_that_accepts_writes_then_the_reason_says_so(kept: Cluster) -> None:
    async with ledger_at(kept.new_database("refusing")) as storage:
        make_read_only(kept.first, read_only=True)
        for attempt in (
            lambda: SessionStore(storage.unit_of_work).add(new_session()),
            storage.check,
        ):
            with pytest.raises(StorageUnavailable, match="no host of DATABASE_URL accepts writes"):
                await attempt()

        make_read_only(kept.first, read_only=False)
        await storage.check()
        await SessionStore(storage.unit_of_work).add(new_session())


async def test_given_a_primary_that_does_not_answer_and_a_standby_then_the_reason_says_both(
    kept: Cluster,
) -> None:
    hosts, ports = ["127.0.0.1"] * 2, [kept.first.port, kept.second.port]
    thaw = kept.first.freeze()
    try:
        with pytest.raises(StorageUnavailable) as caught:
            await Hosts().connect(host=hosts, port=ports, user="postgres", timeout=2.0)
    finally:
        thaw()

    assert "no host of DATABASE_URL accepts writes" in str(caught.value)
    assert "1 of 2 could not be reached" in str(caught.value)


def make_read_only(node: Node, *, read_only: bool) -> None:
    value = "on" if read_only else "off"
    node.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
    node.sql("SELECT pg_reload_conf()")
    time.sleep(0.1)  # for each connection's process to notice


# One host -----------------------------------------------------------------------------------------


@pytest.fixture
async def storage(postgres_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(postgres_url, PATIENCE) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


async def demote_connections(storage: SqlStorage, number: int) -> set[int]:
    """Make ``number`` connections of the pool what those to a demoted primary are."""
    demoted = set()
    connections = [await storage.database.reader.connect() for _ in range(number)]
    for connection in connections:
        await connection.execute(text("SET default_transaction_read_only = on"))
        demoted.add(await connection.scalar(text("SELECT pg_backend_pid()")))
    for connection in connections:
        await connection.close()
    return demoted


async def pids(storage: SqlStorage) -> set[int]:
    query: Any = text(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'backend-livekit'"
    )
    return {row.pid for row in await storage.database.read_many(query)}


async def test_given_connections_to_a_node_that_became_read_only_then_all_are_replaced(
    storage: SqlStorage,
) -> None:
    demoted = await demote_connections(storage, 5)
    added = [await SessionStore(storage.unit_of_work).add(new_session()) for _ in range(5)]
    await asyncio.gather(
        *(SessionStore(storage.unit_of_work).get(one.id, SYSTEM) for one in added * 5)
    )
    await storage.check()

    assert not demoted & await pids(storage)


async def test_given_a_server_that_stays_read_only_then_it_is_not_stormed_with_connections(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    await SessionStore(storage.unit_of_work).add(new_session())
    name = storage.database.url.database
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await demote_connections(storage, 5)
    count = f"SELECT sessions FROM pg_stat_database WHERE datname = '{name}'"
    opened_before = int(postgres.sql(count))
    began = time.monotonic()
    outcomes = []
    for _ in range(100):
        outcomes += await asyncio.gather(
            *(SessionStore(storage.unit_of_work).add(new_session()) for _ in range(4)),
            return_exceptions=True,
        )
    seconds = time.monotonic() - began
    sessions = int(postgres.sql(count))

    assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}
    assert str(outcomes[-1]) == "The database is read-only (25006)."
    assert sessions - opened_before <= 15 * (1 + seconds)
    with pytest.raises(DomainError, match="read-only"):
        await storage.check()
    postgres.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await resumes(storage)
    await storage.check()


async def test_given_connections_that_the_server_ends_then_reads_and_writes_are_repeated(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    """An administrator's pg_terminate_backend (57P01): the transaction was not committed."""
    there = await SessionStore(storage.unit_of_work).add(new_session())
    name = storage.database.url.database
    holder = await asyncpg.connect(
        user="postgres", database=name, host=str(postgres.installation.pgdata)
    )
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
    reading = asyncio.create_task(SessionStore(storage.unit_of_work).get(there.id, SYSTEM))
    adding = asyncio.create_task(SessionStore(storage.unit_of_work).add(new_session()))
    await asyncio.sleep(0.3)
    await holder.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 "
        "AND wait_event_type = 'Lock'", name,
    )  # fmt: skip
    await transaction.rollback()
    await holder.close()

    session = await adding

    assert await reading == there
    assert await SessionStore(storage.unit_of_work).get(session.id, SYSTEM) == session


async def test_given_a_host_where_nothing_listens_then_the_next_one_is_used(
    kept: Cluster,
) -> None:
    url = kept.new_database("unheard").replace("@", f"@127.0.0.1:{free_port()},")
    async with ledger_at(url) as storage:
        await SessionStore(storage.unit_of_work).add(new_session())
