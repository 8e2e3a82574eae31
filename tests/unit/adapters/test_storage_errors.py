"""Which errors concern every change in a transaction, and which one of them alone."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adapters.sqlalchemy.engine.errors import RowLocked, is_outage, storage_errors
from domain.shared.errors import Conflict, DomainError, StorageUnavailable, Unstorable


class FakeDriverError(Exception):
    """An error of asyncpg's, with PostgreSQL's code."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("a message with a parameter")
        self.sqlstate = sqlstate


def postgres(code: str | None, *, disconnected: bool = False) -> DBAPIError:
    return DBAPIError("SELECT", {}, FakeDriverError(code), connection_invalidated=disconnected)


def sqlite(name: str) -> DBAPIError:
    error = sqlite3.OperationalError("a message with a parameter")
    error.sqlite_errorname = name
    return DBAPIError("SELECT", {}, error)


@pytest.mark.parametrize(
    "error",
    [
        *(postgres(code) for code in ("08006", "25006", "53100", "57P01", "57014", "58030", None)),
        postgres("XX000", disconnected=True),
        *(sqlite(f"SQLITE_{name}") for name in ("BUSY", "FULL", "IOERR_WRITE", "READONLY")),
        *(TimeoutError(), ConnectionResetError(), PoolTimeout()),
    ],
    ids=repr,
)
def test_an_outage_concerns_every_change(error: Exception) -> None:
    assert is_outage(error)
    with pytest.raises(StorageUnavailable), storage_errors():
        raise error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        *((postgres(code), Unstorable) for code in ("22001", "22021", "23502", "23514", "54000")),
        *((postgres(code), RowLocked) for code in ("40001", "40P01", "55P03")),
        (postgres("23505"), Conflict),
        *((sqlite(f"SQLITE_{name}"), Unstorable) for name in ("TOOBIG", "CONSTRAINT_NOTNULL")),
        (sqlite("SQLITE_CONSTRAINT_UNIQUE"), Conflict),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), Unstorable),
        (StatementError("no parameter", "SELECT", {}, ValueError("no time zone")), Unstorable),
        (OverflowError("Python int too large to convert to SQLite INTEGER"), Unstorable),
    ],
    ids=repr,
)
def test_a_refusal_concerns_one_change_and_shows_no_value(
    error: Exception, kind: type[DomainError]
) -> None:
    assert not is_outage(error)
    with pytest.raises(kind) as caught, storage_errors():
        raise error
    assert "parameter" not in str(caught.value)


def test_a_defect_is_the_changes_own_and_stays_what_it_is() -> None:
    assert not is_outage(KeyError("a defect"))
    with pytest.raises(KeyError), storage_errors():
        raise KeyError("a defect")
