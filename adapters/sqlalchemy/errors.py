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

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.errors import Conflict, StorageUnavailable


class SchemaOutdated(StorageUnavailable):
    """The database's schema is not the one that this version of the service works with."""


@contextmanager
def storage_errors() -> Iterator[None]:
    """Let only the domain's errors out of the block.

    A broken unique constraint becomes :class:`~domain.errors.Conflict`, everything else
    :class:`~domain.errors.StorageUnavailable`.
    """
    try:
        yield
    except IntegrityError as error:
        if _code(error.orig) in _UNIQUE_VIOLATIONS:
            raise Conflict("Somebody else has stored this, or the room's live session.") from None
        raise _unavailable(f"refused a row ({_code(error.orig)})") from None
    except DBAPIError as error:
        raise _unavailable(_reason(error.orig)) from None
    except sqlite3.Error as error:
        raise _unavailable(_reason(error)) from None
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


_UNIQUE_VIOLATIONS: Final = ("23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")

_POOLED: Final = (
    "is behind a connection pooler that changes the session; add pgbouncer=true to DATABASE_URL"
)

# SQLSTATE, whole or by its class (https://www.postgresql.org/docs/current/errcodes-appendix.html),
# and SQLite's primary result codes (https://www.sqlite.org/rescode.html).
_REASONS: Final[Mapping[str, str]] = {
    "08": "cannot be reached",
    "25006": "is read-only",
    "26000": _POOLED,
    "42P05": _POOLED,
    "28": "refused the user name or the password",
    "3D000": "does not exist on its server",
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
