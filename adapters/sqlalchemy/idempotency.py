"""Idempotent answers in a database."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Executable,
    Index,
    Row,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from adapters.sqlalchemy.capability import Capability, personal
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.processes import processes
from adapters.sqlalchemy.schema.metadata import metadata
from domain.idempotency.repository import Attempt, Remembered
from domain.operations.process import process_of
from domain.privacy.data_subject import DataSubject
from domain.shared.errors import Conflict

idempotency: Final = Table(
    "idempotency",
    metadata,
    # Empty where there are no keys.
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True, info=personal(DataSubject.is_in)),
    # SHA-256 of what was asked for, hexadecimal.
    Column("fingerprint", String(64), nullable=False),
    # Who works on it, until then; null once it is answered.
    Column("holder", Text),
    Column("lease_expires_at", UtcDateTime),
    Column("answer", Text, info=personal(DataSubject.is_in_answer, quotes_ids=True)),
    Column("created_at", UtcDateTime, nullable=False),
)
Index("ix_idempotency_created", idempotency.c.created_at)

IDEMPOTENCY: Final = Capability(table=idempotency, counted_as="answers")
"""A key is free once its holder is not registered: there is nothing to free."""

_THIS: Final = (
    idempotency.c.tenant == bindparam("of_tenant"),
    idempotency.c.key == bindparam("of_key"),
)
_GET: Final = select(idempotency).where(*_THIS)
_LOCKED: Final = _GET.with_for_update()
_PROCESS: Final = select(processes.c.id).where(processes.c.id == bindparam("wanted"))
_ADD: Final[Executable] = insert(idempotency)
_PRUNE: Final[Executable] = delete_some(
    idempotency,
    idempotency.c.created_at < bindparam("before"),
    or_(idempotency.c.holder.is_(None), idempotency.c.lease_expires_at <= bindparam("before")),
)
_RELEASE: Final[Executable] = (
    update(idempotency)
    .where(*_THIS, idempotency.c.holder == bindparam("by"))
    .values(holder=None, lease_expires_at=None, answer=bindparam("answer"))
)
_FORGET: Final[Executable] = delete(idempotency).where(
    *_THIS, idempotency.c.holder == bindparam("by")
)


class SqlIdempotency:
    """Implements :class:`domain.idempotency.repository.Idempotency`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, attempt: Attempt) -> Remembered:
        """What is remembered of the key; its holder is the attempt's if this one may go on."""
        this = {"of_tenant": attempt.tenant, "of_key": attempt.key}
        begun = {
            "fingerprint": attempt.fingerprint,
            "holder": attempt.holder,
            "lease_expires_at": attempt.until,
            "answer": None,
        }

        def begin(connection: Connection) -> Remembered:
            row = connection.execute(_LOCKED, this).first()
            if row is None:
                values = {"tenant": attempt.tenant, "key": attempt.key, "created_at": attempt.now}
                connection.execute(_ADD, values | begun)
                return attempt.begun()
            if _is_held(connection, row, attempt):
                return _remembered(row)
            mine = attempt.begun()
            if row.created_at >= attempt.since:
                if row.answer is not None or row.fingerprint != attempt.fingerprint:
                    return _remembered(row)
                mine = attempt.begun(row.created_at)
            changes = update(idempotency).where(*_THIS).values(**begun, created_at=mine.created_at)
            connection.execute(changes, this)
            return mine

        while True:
            try:
                return await self._database.transact(begin, lock=_lock(attempt))
            except Conflict:  # another replica has begun it at the same moment
                continue

    async def finish(self, attempt: Attempt, answer: str) -> None:
        """Remember ``answer``, if the attempt still holds the key."""
        await self._release(attempt, answer)

    async def give_up(self, attempt: Attempt) -> None:
        """Let another attempt begin at once, if this one still holds the key."""
        await self._release(attempt, None)

    async def forget(self, attempt: Attempt) -> None:
        """Let the key be used for any request, if this attempt still holds it."""
        values = {"of_tenant": attempt.tenant, "of_key": attempt.key, "by": attempt.holder}
        await self._database.write([Write(_FORGET, values, _lock(attempt), must_change=False)])

    async def prune(self, before: datetime) -> int:
        """Forget keys that were first used before then and are free; how many they were."""
        return await self._database.repeat(_PRUNE, {"before": before})

    async def _release(self, attempt: Attempt, answer: str | None) -> None:
        values = {
            "of_tenant": attempt.tenant,
            "of_key": attempt.key,
            "by": attempt.holder,
            "answer": answer,
        }
        await self._database.write([Write(_RELEASE, values, _lock(attempt), must_change=False)])


def _lock(attempt: Attempt) -> Lock:
    return "idempotency", attempt.tenant, attempt.key


def _is_held(connection: Connection, row: Row[Any], attempt: Attempt) -> bool:
    """Whether another attempt is going on: its lease runs and its process is not known as dead."""
    if row.holder is None or not attempt.now < row.lease_expires_at <= attempt.horizon:
        return False
    process_id = process_of(row.holder)
    if process_id is None:
        return True
    return connection.execute(_PROCESS, {"wanted": process_id}).first() is not None


def _remembered(row: Row[Any]) -> Remembered:
    return Remembered(
        fingerprint=row.fingerprint,
        created_at=row.created_at,
        holder=row.holder,
        answer=row.answer,
    )
