"""What is kept in a database, and what is no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Table,
    delete,
    func,
    literal,
    or_,
    select,
)

from adapters.sqlalchemy.database import Database
from adapters.sqlalchemy.tables import (
    CALL_IS_LIVE,
    SESSION_IS_LIVE,
    calls,
    idempotency,
    inbox,
    sessions,
)
from domain.call import CallStatus
from domain.person import Person
from domain.ports.records import Mentions
from domain.session import SessionStatus

_AT_ONCE: Final = 500
"""Others' changes wait for such a transaction."""

_TEXTS: Final = {
    sessions: ("room_name", "identity", "agent_config", "caller_number", "called_number"),
    calls: ("room_name", "participant_identity", "from_number", "to_number"),
    inbox: ("room_name", "last_error"),
    idempotency: ("key", "answer"),
}


class SqlRecords:
    """Implements :class:`domain.ports.records.Records`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prune_sessions(self, before: datetime) -> int:
        """Delete sessions that ended before then; how many they were."""
        return await self._prune(sessions, [SessionStatus.ENDED.value], before)

    async def prune_calls(self, before: datetime) -> int:
        """Delete calls that ended before then; how many they were."""
        ended = [CallStatus.ENDED.value, CallStatus.FAILED.value]
        return await self._prune(calls, ended, before)

    async def _prune(self, table: Table, statuses: Sequence[str], before: datetime) -> int:
        # What ended before then was created before then, which an index finds.
        old = (
            select(table.c.id)
            .where(
                table.c.status.in_(statuses),
                table.c.created_at < before,
                table.c.ended_at < before,
            )
            .limit(_AT_ONCE)
        )
        return await self._repeat(
            lambda connection: connection.execute(delete(table).where(table.c.id.in_(old))).rowcount
        )

    async def mentions(self, person: Person) -> Mentions:
        """What mentions ``person``."""
        return await self._database.transact(lambda connection: _mentions(connection, person))

    async def forget(self, person: Person) -> Mentions:
        """Delete it; what it was."""
        found = await self._database.transact(lambda connection: _forget(connection, person))
        await self._database.fold_log()
        return found

    async def _repeat(self, work: Callable[[Connection], int]) -> int:
        done = 0
        while deleted := await self._database.transact(work):
            done += deleted
        return done


def _mentions(connection: Connection, person: Person) -> Mentions:
    found = {table: list(_rows(connection, table, person)) for table in _TEXTS}
    ids = [row.id for row in found[sessions]]
    live = [
        connection.execute(
            select(func.count()).select_from(table).where(table.c.id.in_(part), is_live)
        ).scalar_one()
        for table, is_live in ((sessions, SESSION_IS_LIVE), (calls, CALL_IS_LIVE))
        for part in _parts([row.id for row in found[table]])
    ]
    return Mentions(
        sessions=len(ids),
        calls=len(found[calls]),
        events=len(found[inbox]),
        answers=len(_answers(connection, person, ids)),
        live=sum(live),
    )


def _forget(connection: Connection, person: Person) -> Mentions:
    found = _mentions(connection, person)
    ids = [row.id for row in _rows(connection, sessions, person)]
    for tenant, key in _answers(connection, person, ids):
        answer = delete(idempotency).where(idempotency.c.tenant == tenant, idempotency.c.key == key)
        connection.execute(answer)
    for table, column in ((sessions, "id"), (calls, "id"), (inbox, "event_id")):
        keys = [getattr(row, column) for row in _rows(connection, table, person)]
        for part in _parts(keys):
            connection.execute(delete(table).where(table.c[column].in_(part)))
    return found


def _rows(connection: Connection, table: Table, person: Person) -> Iterator[Row[Any]]:
    """The rows of ``table`` that mention ``person``."""
    texts = [table.c[name] for name in _TEXTS[table]]
    maybe = [column.contains(person.needle, autoescape=True) for column in texts]
    if table is inbox:
        maybe.append(_in_body(connection, person.needle))
    for row in connection.execute(select(table).where(or_(*maybe))):
        told = [getattr(row, name) for name in _TEXTS[table]]
        if table is inbox:
            told.append(row.body.decode(errors="replace"))
        if any(person.is_in(text) for text in told):
            yield row


def _answers(
    connection: Connection, person: Person, session_ids: Sequence[str]
) -> set[tuple[str, str]]:
    """The keys of the answers that mention the person, or tell of these sessions."""
    found = {(row.tenant, row.key) for row in _rows(connection, idempotency, person)}
    for session_id in session_ids:
        query = select(idempotency.c.tenant, idempotency.c.key).where(
            idempotency.c.answer.contains(session_id)
        )
        found |= {(row.tenant, row.key) for row in connection.execute(query)}
    return found


def _in_body(connection: Connection, needle: str) -> ColumnElement[bool]:
    wanted = literal(needle.encode(), LargeBinary)
    if connection.dialect.name == "postgresql":
        return func.position(wanted.op("IN")(inbox.c.body)) > 0
    return func.instr(inbox.c.body, wanted) > 0


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(keys), _AT_ONCE):
        yield keys[begin : begin + _AT_ONCE]
