"""Changes that share a transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, Final, Protocol, TypeVar

import attrs
from sqlalchemy import Connection, Dialect, Executable, text
from sqlalchemy.exc import DBAPIError

from adapters.sqlalchemy.engine.compiled import Compiled, compiled
from adapters.sqlalchemy.engine.errors import is_outage, with_lock
from adapters.sqlalchemy.engine.group_commit import Outcome
from domain.shared.errors import Conflict

Result = TypeVar("Result")

Lock = tuple[str, ...]
"""A table, and the unique key in it that a change locks.

Every transaction makes its changes in the order of their locks, so that of two transactions that
change the same rows one waits for the other, and never each for the other.
"""

_WAIT_BRIEFLY: Final = text("SET LOCAL lock_timeout = '10ms'")


class Transaction(Protocol):
    """Begins, commits, and undoes on an error."""

    def __call__(self, work: Callable[[Connection], Result]) -> Awaitable[Result]:
        """What ``work`` returns, once it is durable."""
        ...


@attrs.frozen
class Write:
    """A statement that changes one row or none, its parameters, and the row.

    ``must_change`` makes it a ``Conflict`` to change none. ``key`` is the row's primary key, or its
    value in the column that the table's ``info`` names; a write without one is not done in bulk.
    ``many`` is PostgreSQL's statement for several rows at once: it takes a list for each parameter,
    and returns the ``key`` of each row that it has changed.
    """

    statement: Executable
    values: Mapping[str, Any]
    lock: Lock
    must_change: bool = True
    many: Executable | None = None
    key: str | None = None


@attrs.frozen
class Work:
    """A function that makes changes; it may be called again after they were undone.

    Without a ``lock`` it is called after all that have one.
    """

    run: Callable[[Connection], Any]
    lock: Lock | None = None


@attrs.frozen(kw_only=True)
class Scalar(Work):
    """A statement that returns one value, which is the result."""

    statement: Executable
    values: Mapping[str, Any]
    run: Callable[[Connection], Any] = attrs.field(init=False)

    @run.default
    def _execute(self) -> Callable[[Connection], Any]:
        return lambda connection: connection.execute(self.statement, self.values).scalar()


Unit = Sequence[Write | Work] | Work
"""What is done whole or not at all: writes, whose result is how many rows each has changed, or
work, whose result is its own."""


def locks_of(unit: Unit) -> list[Lock]:
    """Return what ``unit`` is known to lock, in order."""
    return sorted({change.lock for change in changes_of(unit) if change.lock is not None})


def changes_of(unit: Unit) -> Sequence[Write | Work]:
    """Return what ``unit`` does."""
    return [unit] if isinstance(unit, Work) else unit


async def carry_out(
    transaction: Transaction,
    units: Sequence[Unit],
    *,
    briefly: bool = False,
    has_refused: bool = False,
) -> Sequence[Outcome]:
    """Commit ``units`` in one transaction: a commit costs the same for one and for many.

    One that fails is undone alone, and its error is its outcome. To find out which it is, all are
    done once more in another transaction, which is rare and waits only briefly for each lock; so
    does the first one if ``briefly``. There is no first one if the database ``has_refused`` them
    already.
    """

    def together(connection: Connection) -> Sequence[Outcome]:
        if briefly:
            _wait_briefly(connection)
        return _together(connection, units)

    try:
        if not has_refused:
            return await transaction(together)
    except Exception as error:  # noqa: BLE001 - whatever a unit raises concerns that unit
        if len(units) == 1 or is_outage(error):
            return [error] * len(units)
    return await transaction(lambda connection: _each(connection, units))


def _wait_briefly(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_WAIT_BRIEFLY)


def _together(connection: Connection, units: Sequence[Unit]) -> Sequence[Outcome]:
    if len(units) == 1 or not _is_sqlite(connection):
        return _in_order(connection, units)
    # One statement for many rows costs a third of a statement for each, and a third of
    # that without SQLAlchemy.
    rows: dict[Executable, list[Mapping[str, Any]]] = {}
    for unit in units:
        for change in changes_of(unit):
            if isinstance(change, Write):
                rows.setdefault(change.statement, []).append(change.values)
    driver: Any = connection.connection.driver_connection
    for statement, values in rows.items():
        text = _compiled_once(statement, connection.dialect, tuple(values[0]))
        changed = driver.executemany(text.sql, map(text.arguments, values)).rowcount
        if changed != len(values):
            raise Conflict("A statement in this batch changed no row; find out which unit's.")
    ran = [[c.run(connection) if isinstance(c, Work) else 1 for c in changes_of(u)] for u in units]
    return _outcomes(units, ran)


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _execute(connection: Connection, write: Write) -> int:
    if not _is_sqlite(connection):
        return connection.execute(write.statement, write.values).rowcount
    text = _compiled_once(write.statement, connection.dialect, tuple(write.values))
    driver: Any = connection.connection.driver_connection
    rows: int = driver.execute(text.sql, text.arguments(write.values)).rowcount
    return rows


@lru_cache
def _compiled_once(statement: Executable, dialect: Dialect, names: Sequence[str]) -> Compiled:
    return compiled(dialect, statement, names)


def _each(connection: Connection, units: Sequence[Unit]) -> list[Outcome]:
    _wait_briefly(connection)
    outcomes: list[Outcome] = [None] * len(units)
    first_locks = [(not (locks := locks_of(unit)), locks[:1]) for unit in units]
    for number in sorted(range(len(units)), key=first_locks.__getitem__):
        savepoint = connection.begin_nested()
        try:
            (outcomes[number],) = _in_order(connection, [units[number]])
        except Exception as error:
            if is_outage(error):
                raise
            savepoint.rollback()
            outcomes[number] = error
        else:
            savepoint.commit()
    return outcomes


@attrs.frozen
class _Step:
    unit: int
    place: int
    change: Write | Work

    @property
    def order(self) -> tuple[bool, Lock]:
        return self.change.lock is None, self.change.lock or ()

    @property
    def statement(self) -> object:
        """The same for steps that one execution can do."""
        many = self.change.many if isinstance(self.change, Write) else None
        return self if many is None else many


def _steps(units: Sequence[Unit]) -> Iterator[_Step]:
    for number, unit in enumerate(units):
        for place, change in enumerate(changes_of(unit)):
            yield _Step(number, place, change)


def _in_order(connection: Connection, units: Sequence[Unit]) -> list[Outcome]:
    """Carry out all changes in the order of their locks; for one row, in the order given."""
    results: list[list[Any]] = [[None] * len(changes_of(unit)) for unit in units]
    steps = sorted(_steps(units), key=lambda step: step.order)
    for _, group in groupby(steps, key=lambda step: step.statement):
        same = list(group)
        try:
            done = _done(connection, [step.change for step in same])
        except DBAPIError as error:
            raise with_lock(error, same[0].change.lock if len(same) == 1 else None) from None
        for step, result in zip(same, done, strict=True):
            results[step.unit][step.place] = result
    return _outcomes(units, results)


def _outcomes(units: Sequence[Unit], results: Sequence[list[Any]]) -> list[Outcome]:
    return [r[0] if isinstance(u, Work) else r for u, r in zip(units, results, strict=True)]


def _done(connection: Connection, changes: Sequence[Write | Work]) -> list[Any]:
    """Carry out one change, or several that share a statement for many rows."""
    first = changes[0]
    if isinstance(first, Work):
        return [first.run(connection)]
    writes = [change for change in changes if isinstance(change, Write)]
    if first.many is not None and len(writes) > 1 and not _is_sqlite(connection):
        columns = {name: [write.values[name] for write in writes] for name in first.values}
        keys = set(connection.execute(first.many, columns).scalars())
        changed = []
        for write in writes:
            changed.append(int(write.key in keys))
            keys.discard(write.key)  # a second row with this key has changed nothing
    else:
        changed = [_execute(connection, write) for write in writes]
    if any(write.must_change and not rows for write, rows in zip(writes, changed, strict=True)):
        raise changed_by_others()
    return changed


def changed_by_others() -> Conflict:
    """Return the error of a write that must change its row and has not."""
    return Conflict("Another request has changed this record since it was read.")
