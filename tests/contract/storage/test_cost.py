"""What a request costs the database: statements sent, and rows looked at."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable

import pytest

from adapters.sqlalchemy.capabilities import metadata
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.calls.apply_fact import apply
from domain.calls.call_facts import ParticipantLeft
from domain.calls.repository import CallFilter
from domain.inbox.entry import InboxStatus
from domain.sessions.repository import SessionFilter
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.pagination import Cursor
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import (
    NOON,
    access_of,
    new_call,
    new_entry,
    new_room,
    new_session,
    noted,
    opened,
)
from tests.databases import PostgresServer


@pytest.fixture
async def storage(postgres: PostgresServer, postgres_url: str) -> AsyncIterator[SqlStorage]:
    database = postgres_url.split("/")[3].split("?", maxsplit=1)[0]
    postgres.sql(f"ALTER DATABASE {database} SET log_statement = 'all'")
    async with opened(postgres_url) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


async def test_a_request_sends_no_more_than_it_must(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    ledger, log = SessionStore(storage.unit_of_work), postgres.installation.log

    async def sent(request: Awaitable[object]) -> list[str]:
        before = len(log.read_text())
        await request
        return re.findall(r"LOG:  (?:statement|execute \S+): (\w+)", log.read_text()[before:])

    async def undone() -> None:
        async with storage.unit_of_work() as work:
            await work.sessions.add(new_session())

    session = await ledger.add(new_session())
    assert await sent(ledger.get(session.id, SYSTEM)) == ["SELECT"]
    assert await sent(ledger.live_in(session.room_name, SYSTEM)) == ["SELECT"]
    # Each commits by itself.
    assert await sent(ledger.add(new_session())) == ["WITH"]  # with its event
    assert await sent(ledger.save(session)) == ["UPDATE"]
    assert await sent(undone()) == []

    call = new_call()

    async def answered() -> None:
        async with storage.unit_of_work() as work:
            await work.calls.add(call)
            await work.sessions.add(new_session())
            await work.commit()

    async def ended() -> None:
        async with storage.unit_of_work() as work:
            assert await work.calls.get(call.id, SYSTEM) == call
            await work.calls.save(apply(call, ParticipantLeft(NOON, Source.WEBHOOK)))
            await work.commit()

    assert await sent(answered()) == ["BEGIN", "INSERT", "WITH", "INSERT", "COMMIT"]
    assert await sent(ended()) == ["SELECT", "UPDATE"]


async def test_every_read_finds_its_row_by_an_index(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        assert isinstance(storage, SqlStorage)
        ledger, room, sent = SessionStore(storage.unit_of_work), new_room(), noted(storage)
        await ledger.get(new_session().id, SYSTEM)
        await ledger.live_in(room, SYSTEM)
        await ledger.newest_in(room, SYSTEM)
        plans = []
        async with storage.database.writer.connect() as connection:
            for statement, parameters in [one for one in sent if one[0].startswith("SELECT")]:
                plan = await connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {statement}", parameters
                )
                plans.append("; ".join(row.detail for row in plan))
    assert [plan.split(" INDEX ")[1] for plan in plans] == [
        "sqlite_autoindex_sessions_1 (id=?)",
        "uq_sessions_live_room (room_name=?)",
        "ix_sessions_room_created (room_name=?)",
    ]


def with_status(table: str) -> set[str]:
    """The names of the list indexes that have the table's status."""
    indexes = metadata.tables[table].indexes
    return {str(one.name) for one in indexes if "status" in one.columns}


async def test_a_move_rewrites_only_the_indexes_that_it_moves_within(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        assert isinstance(storage, SqlStorage)
        sent = noted(storage)
        async with storage.unit_of_work() as work:
            session, call = new_session(), new_call()
            await work.sessions.add(session)
            await work.calls.add(call)
            await work.commit()
            await work.sessions.save(session.ended(EndReason.ROOM_FINISHED, NOON))
            await work.calls.save(apply(call, ParticipantLeft(NOON, Source.WEBHOOK)))
            await work.commit()
        entry = new_entry()
        await storage.inbox.add(entry)
        await storage.inbox.settle(entry.handled(NOON), "me")
        written = []
        async with storage.database.writer.connect() as connection:
            roots = await connection.exec_driver_sql("SELECT rootpage, name FROM sqlite_schema")
            names = {row.rootpage: row.name for row in roots}
            for statement, parameters in [one for one in sent if one[0].startswith("UPDATE")]:
                explained = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
                steps = explained.all()
                opened_as = {
                    step.p1: names[step.p2] for step in steps if step.opcode == "OpenWrite"
                }
                written.append({opened_as[step.p1] for step in steps if step.opcode == "IdxInsert"})
    assert written == [
        # A call becomes a tenant's when its session is known.
        {
            "ix_calls_announce",
            "ix_calls_live_room",
            "ix_calls_tenant_from",
            "ix_calls_tenant_to",
        }
        | with_status("calls"),
        {
            "ix_sessions_announce",
            "ix_sessions_room_sid",
            "ix_sessions_tenant_live",
            "ix_sessions_unused",
            "uq_sessions_live_room",
        }
        | with_status("sessions"),
        {
            "ix_inbox_changed",
            "ix_inbox_lease_expires",
            "ix_inbox_ready_room",
            "ix_inbox_status_received",
            "ix_inbox_waiting",
            "uq_inbox_leased_room",
        },
    ]


async def test_no_question_of_the_workers_reads_a_whole_table(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        assert isinstance(storage, SqlStorage)
        sent = noted(storage)
        inbox, entry = storage.inbox, new_entry()
        await inbox.add(entry)
        await inbox.claim("me", NOON, NOON, 10)
        await inbox.claim_news("me", NOON, NOON, ["EV_1", "EV_2"])
        await inbox.renew("me", [entry.event.id], NOON)
        await inbox.settle(entry.handled(NOON), "me")
        await inbox.list(InboxStatus.DEAD, 10)
        await inbox.has_finished("RM_1")
        await inbox.prune(NOON)
        await storage.idempotency.prune(NOON)
        after = Cursor(NOON, str(new_session().id))
        async with storage.unit_of_work() as work:
            await work.calls.of_participant("RM_1", "PA_1", SYSTEM)
            await work.calls.live_in("RM_1", SYSTEM)
            assert [page async for page in work.calls.live([], SYSTEM)] == []
            await work.calls.newest_in(new_room(), SYSTEM)
            for place in (None, after):
                await work.calls.page(CallFilter(), place, 10, SYSTEM)
                await work.sessions.page(SessionFilter(), place, 10, SYSTEM)
            assert [page async for page in work.sessions.live([], SYSTEM)] == []
            await work.sessions.newest_in(new_room(), access_of("ann", sees_unowned=True))
            await work.sessions.live_of("ann")
        await storage.prune_sessions(NOON)
        await storage.prune_calls(NOON)
        await storage.ledger_stats()
        plans = []
        async with storage.database.writer.connect() as connection:
            for statement, parameters in [*sent]:
                is_fts5_s_own = statement.startswith("--") or "'main'." in statement
                if not (is_fts5_s_own or statement.startswith(("INSERT", "BEGIN", "COMMIT"))):
                    plan = await connection.exec_driver_sql(
                        f"EXPLAIN QUERY PLAN {statement}", parameters
                    )
                    plans += [(row.detail, statement) for row in plan]
    assert len(plans) > 20
    rooms_found = ("SCAN rooms", "SCAN CONSTANT ROW")
    by_hand = [
        plan
        for plan in plans
        if "SCAN" in plan[0] and "INDEX" not in plan[0] and plan[0] not in rooms_found
    ]
    assert by_hand == []
    # Ties, of which there are few, may be sorted by hand.
    assert [
        plan for plan in plans if "TEMP B-TREE FOR ORDER" in plan[0] and "LIMIT" in plan[1]
    ] == []


async def test_an_idle_inbox_costs_a_question_and_no_transaction(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    log = postgres.installation.log

    async def sent(request: Awaitable[object]) -> list[str]:
        before = len(log.read_text())
        await request
        return re.findall(r"LOG:  (?:statement|execute \S+): (\w+)", log.read_text()[before:])

    assert await sent(storage.inbox.claim("me", NOON, NOON, 10)) == ["WITH"]
    entry = new_entry()
    assert await sent(storage.inbox.add(entry)) == ["INSERT"]
    claimed = await sent(storage.inbox.claim("me", NOON, NOON, 10))
    assert claimed == ["WITH", "BEGIN", "UPDATE", "COMMIT"]
    settled = await sent(storage.inbox.settle(entry.handled(NOON), "me"))
    assert settled == ["UPDATE"]
    news = new_entry()
    await storage.inbox.add(news)
    claimed = await sent(storage.inbox.claim_news("me", NOON, NOON, [news.event.id]))
    assert claimed == ["UPDATE"]


async def test_postgres_too_finds_the_live_session_by_its_index(storage: SqlStorage) -> None:
    ledger, room = SessionStore(storage.unit_of_work), new_room()
    async with storage.unit_of_work() as work:
        for _ in range(500):
            await work.sessions.add(new_session(room).ended(EndReason.ROOM_FINISHED, NOON))
        await work.commit()
    live = await ledger.add(new_session(room))
    async with storage.database.writer.begin() as connection:
        await connection.exec_driver_sql("ANALYZE sessions")
        plan = await connection.exec_driver_sql(
            "EXPLAIN SELECT * FROM sessions "
            f"WHERE room_name = '{room}' AND sessions.status != 'ended'"
        )
        assert "uq_sessions_live_room" in str(plan.all())
    assert await ledger.live_in(room, SYSTEM) == live
