"""What SQLAlchemy and the drivers raise → what the domain knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from domain.errors import Conflict, StorageUnavailable

_UNIQUE_VIOLATION: Final = "23505"  # PostgreSQL, appendix A
_SQLITE_UNIQUE: Final = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")


class SchemaMismatch(StorageUnavailable):
    """The database's schema is not the one that this version works with."""

    code = "schema_mismatch"


@contextmanager
def storage_errors() -> Iterator[None]:
    """Translate what the database raises within the block.

    The message is for the caller and holds no SQL; ``__cause__`` is for the log.
    """
    try:
        yield
    except IntegrityError as error:
        if not _is_unique_violation(error):
            raise
        raise Conflict("Another write was first.") from error
    # Drivers raise OSError and TimeoutError of their own where no connection can be made.
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise StorageUnavailable(
            "The database could not be reached or did not answer; try again."
        ) from error


def _is_unique_violation(error: IntegrityError) -> bool:
    original = error.orig
    return (
        getattr(original, "sqlstate", None) == _UNIQUE_VIOLATION
        or getattr(original, "sqlite_errorname", None) in _SQLITE_UNIQUE
    )
