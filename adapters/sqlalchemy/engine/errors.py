"""What databases and drivers raise → the domain's errors.

The sentences name a kind of failure and its code, never SQL, a parameter or the database's URL.
"""

from __future__ import annotations

import os
import sqlite3
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.shared.errors import Conflict, DomainError, StorageUnavailable, Unstorable


class SchemaOutdated(StorageUnavailable):
    """The database's schema is not the one that this version of the service works with."""


class RowLocked(StorageUnavailable):
    """Another transaction kept a lock for too long, or a deadlock was resolved.

    ``lock`` is the table and the key that were waited for, where they are known.
    """

    def __init__(self, message: str, lock: tuple[str, ...] | None = None) -> None:
        super().__init__(message)
        self.lock = lock


@contextmanager
def storage_errors() -> Iterator[None]:
    """Let only the domain's errors out of the block.

    A broken unique constraint becomes ``Conflict``, a value that the database
    refuses :class:`~domain.shared.errors.Unstorable`, a lock that did not come in time
    :class:`RowLocked`, everything else :class:`~domain.shared.errors.StorageUnavailable`.
    """
    try:
        yield
    except DBAPIError as error:
        raise _of_driver(error.orig) from None
    except sqlite3.Error as error:
        raise _of_driver(error) from None
    except UnicodeEncodeError:
        raise _unstorable("is not valid text: it has half of a surrogate pair") from None
    except OverflowError:
        raise _unstorable("is a number out of range") from None
    except StatementError:  # a type of ours or the driver refused it before it was sent
        raise _unstorable("is not of its column's type") from None
    except PoolTimeout:
        raise _unavailable("is too busy: no connection became free in time") from None
    except SQLAlchemyError as error:
        raise _unavailable(f"could not be used ({type(error).__name__})") from None
    except TimeoutError:
        raise _unavailable("did not answer in time") from None
    except ssl.SSLError as error:
        raise _unavailable(f"cannot be reached (TLS: {error.reason})") from None
    except OSError as error:
        # asyncio's own text would name the server's address.
        number = error.errno or 0
        cause = os.strerror(number) if number > 0 else type(error).__name__
        raise _unavailable(f"cannot be reached ({cause})") from None


SEQUENCE_KEY: Final = "uq_events_lane_sequence"
"""The unique key of numbers that each transaction counts on from what it sees: of two that take the
same one, the later is carried out again."""

_UNIQUE_VIOLATIONS: Final = ("23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")

_POOLED: Final = (
    "is behind a connection pooler that changes the session; add pgbouncer=true to DATABASE_URL"
)

# SQLSTATE, whole or by its class (https://www.postgresql.org/docs/current/errcodes-appendix.html),
# and SQLite's primary result codes (https://www.sqlite.org/rescode.html).
_REASONS: Final[Mapping[str, str]] = {
    "08": "cannot be reached",
    "25006": "is read-only",
    "25P03": "ended a transaction in which this process paused for too long",
    "26000": _POOLED,
    "42P05": _POOLED,
    "28": "refused the user name or the password",
    "3D000": "does not exist on its server",
    "40": "undid a change because of another transaction's",
    "42501": "does not let its user do this",
    "42P01": "lacks a table; run `make migrate`",
    "42703": "lacks a column; run `make migrate`",
    "53100": "has no disk space left",
    "53300": "has no connection free",
    "55P03": "is in use: a lock did not come in time; if this was a migration, run it again",
    "57014": "did not answer in time",
    "57P": "is shutting down or starting up",
    "SQLITE_BUSY": "is locked by another process",
    "SQLITE_LOCKED": "is locked by another process",
    "SQLITE_CANTOPEN": "file cannot be opened",
    "SQLITE_CORRUPT": "file is damaged",
    "SQLITE_FULL": "has no disk space left",
    "SQLITE_IOERR": "file cannot be read or written",
    "SQLITE_NOTADB": "file is not a SQLite database",
    "SQLITE_PERM": "file must not be written",
    "SQLITE_READONLY": "is read-only",
}


# What the database refuses because of a value, by code as above.
_REFUSALS: Final[Mapping[str, str]] = {
    "22001": "is too long for its column",
    "22003": "is a number out of range",
    "22021": "is not valid text: it has a NUL character or half of a surrogate pair",
    "22": "is not of its column's type or range",
    "23": "breaks a constraint",
    "54": "is too large to be stored or indexed",
    "SQLITE_CONSTRAINT": "breaks a constraint",
    "SQLITE_MISMATCH": "is not of its column's type",
    "SQLITE_TOOBIG": "is too large to be stored",
}
_LOCKED: Final = ("40", "55P03")

# A failure that any change would have met; every other error is due to the change itself.
_OUTAGES: Final = (
    *("08", "25", "26000", "28", "3D", "42P05", "53", "57", "58"),
    *("SQLITE_AUTH", "SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_FULL"),
    *("SQLITE_IOERR", "SQLITE_LOCKED", "SQLITE_NOMEM", "SQLITE_NOTADB", "SQLITE_PERM"),
    *("SQLITE_PROTOCOL", "SQLITE_READONLY"),
)


def is_outage(error: BaseException) -> bool:
    """Whether the database failed, rather than refused one change of those in a transaction."""
    if isinstance(error, DBAPIError) and not isinstance(error.orig, sqlite3.Error):
        code = _code(error.orig)
        # Without a code it is the driver's own, of a connection: the change may have been made.
        return error.connection_invalidated or not code or code.startswith(_OUTAGES)
    driver = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver, sqlite3.Error):
        return _code(driver).startswith(_OUTAGES)
    return isinstance(error, OSError | PoolTimeout)  # TimeoutError is an OSError


def with_lock(error: DBAPIError, lock: tuple[str, ...] | None) -> Exception:
    """Return ``error``, as :class:`RowLocked` with what was waited for if that is its cause."""
    if _code(error.orig).startswith(_LOCKED):
        return RowLocked(f"The database {_reason(error.orig)}.", lock)
    if _code(error.orig) in _UNIQUE_VIOLATIONS and SEQUENCE_KEY in str(error.orig):
        return RowLocked("The database has an event with this number already.", lock)
    return error


def _of_driver(error: BaseException | None) -> DomainError:
    code = _code(error)
    if code in _UNIQUE_VIOLATIONS:
        return Conflict("Another request has stored this, or the room's live session.")
    if code.startswith(_LOCKED):
        return RowLocked(f"The database {_reason(error)}.")
    for start, reason in _REFUSALS.items():
        if code.startswith(start):
            return _unstorable(f"{reason} ({code})")
    return _unavailable(_reason(error))


def _unstorable(reason: str) -> Unstorable:
    return Unstorable(f"The database refuses a value: it {reason}.")


def _unavailable(reason: str) -> StorageUnavailable:
    return StorageUnavailable(f"The database {reason}.")


def _code(error: BaseException | None) -> str:
    """SQLite's extended result code by name, PostgreSQL's SQLSTATE, or nothing."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "")
    return getattr(error, "sqlstate", None) or ""


def _reason(error: BaseException | None) -> str:
    code = _code(error)
    for start, reason in _REASONS.items():
        if code.startswith(start):
            return f"{reason} ({code})"
    return f"could not be used ({code or type(error).__name__})"
