"""Changes that share a transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import attrs
from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError, IntegrityError

from adapters.sqlalchemy.batches import Outcome
from domain.errors import Conflict

Result = TypeVar("Result")


class Transaction(Protocol):
    """Begins, commits, and undoes on an error."""

    def __call__(self, work: Callable[[Connection], Result]) -> Awaitable[Result]:
        """What ``work`` returns, once it is durable."""
        ...


@attrs.frozen
class Write:
    """A statement that changes one row or none, and its parameters.

    ``must_change`` makes it a :class:`~domain.errors.Conflict` to change none.
    """

    statement: Executable
    values: Mapping[str, Any]
    must_change: bool = True


Unit = Sequence[Write] | Callable[[Connection], Any]
"""What is done whole or not at all: writes, whose result is how many rows each has changed, or a
function, whose result is its own. A function may be called again after it was undone."""


async def carry_out(transaction: Transaction, units: Sequence[Unit]) -> Sequence[Outcome]:
    """Commit ``units`` in one transaction: a commit costs the same for one and for many.

    One that fails is undone alone, and its error is its outcome; to find out which it is, the
    others are done once more, which is rare.
    """
    try:
        return await transaction(lambda connection: _together(connection, units))
    except (Conflict, DBAPIError) as error:
        if len(units) == 1 or not _is_a_units_own(error):
            return [error] * len(units)
    outcomes = await transaction(lambda connection: _each(connection, units))
    for number, outcome in enumerate(outcomes):
        if _is_deadlock(outcome):
            (outcomes[number],) = await carry_out(transaction, [units[number]])
    return outcomes


def _together(connection: Connection, units: Sequence[Unit]) -> Sequence[Outcome]:
    if len(units) == 1 or not connection.dialect.supports_sane_multi_rowcount:
        return [_done(connection, unit) for unit in units]
    # One statement for many rows costs a third of a statement for each.
    rows: dict[Executable, list[Mapping[str, Any]]] = {}
    for unit in units:
        if not callable(unit):
            for write in unit:
                rows.setdefault(write.statement, []).append(write.values)
    for statement, values in rows.items():
        if connection.execute(statement, values).rowcount != len(values):
            raise Conflict("One of them changes nothing, and nobody knows which.")
    return [unit(connection) if callable(unit) else [1] * len(unit) for unit in units]


def _each(connection: Connection, units: Sequence[Unit]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for unit in units:
        savepoint = connection.begin_nested()
        try:
            outcomes.append(_done(connection, unit))
        except (Conflict, DBAPIError) as error:
            if not _is_a_units_own(error):
                raise
            savepoint.rollback()
            outcomes.append(error)
        else:
            savepoint.commit()
    return outcomes


def _done(connection: Connection, unit: Unit) -> Any:
    if callable(unit):
        return unit(connection)
    changed = []
    for write in unit:
        changed.append(connection.execute(write.statement, write.values).rowcount)
        if write.must_change and changed[-1] == 0:
            raise Conflict("What was to be changed has been changed by somebody else.")
    return changed


def _is_a_units_own(error: BaseException) -> bool:
    """Whether the others of its transaction would have been done without it."""
    return isinstance(error, Conflict | IntegrityError) or _is_deadlock(error)


def _is_deadlock(error: object) -> bool:
    """Whether PostgreSQL has undone a transaction because of another one (class 40)."""
    code = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return (code or "").startswith("40")
