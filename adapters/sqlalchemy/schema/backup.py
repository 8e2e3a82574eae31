"""A copy of a SQLite database while it is in use, and back."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from adapters.sqlalchemy.engine.errors import storage_errors
from adapters.sqlalchemy.schema.migrations import SCHEMA_VERSION, Schema
from domain.shared.errors import StorageUnavailable

_LIMIT_SECONDS = 5.0


def backup(database_url: str, target: Path) -> None:
    """Write everything that is committed by now to the new file ``target``, for its owner alone.

    Others go on writing meanwhile. Raises ``StorageUnavailable``; no file is
    left then.
    """
    source = _file(database_url)
    if not source.is_file():
        raise StorageUnavailable(f"There is no database {source}.")
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StorageUnavailable(f"{target} cannot be made: {error.strerror}.") from None
    try:
        with storage_errors():
            with closing(sqlite3.connect(source, timeout=_LIMIT_SECONDS)) as connection:
                # One statement sees one state of the database; it copies no free space.
                connection.execute("VACUUM INTO ?", (str(target),))
            check(target)
            _to_disk(target)
    except BaseException:
        target.unlink()
        raise


def restore(database_url: str, source: Path) -> Path | None:
    """Put the backup ``source`` where the database is; where the old one is now, if there was one.

    Raises ``StorageUnavailable`` if it is no sound backup that this version
    can use, or while any process has the database open; nothing is changed then.
    """
    target = _file(database_url).resolve()  # a link stays one
    with storage_errors():
        check(source)
        _refuse_if_in_use(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f"{target.name}.{secrets.token_hex(4)}.new")
        old = None
        try:
            _copy(source, new)
            old = _keep(target) if target.exists() else None
            for log in ("-wal", "-shm"):  # the old one's; it was folded in when it was last closed
                target.with_name(target.name + log).unlink(missing_ok=True)
            # In one step: where there is no database, a start makes an empty one, open to all.
            os.replace(new, target)
        except BaseException:
            if new.exists():
                new.unlink()
                if old is not None:
                    old.unlink()
            raise
        _to_disk(target)
        return old


def _keep(path: Path) -> Path:
    """The database's name from now on, which it has besides its own, on the disk."""
    kept = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    try:
        os.link(path, kept)
    except FileExistsError:
        raise StorageUnavailable(f"{kept} is there already.") from None
    except OSError:  # not every file system has links, and not every file may be linked
        _copy(path, kept)
    else:
        _to_disk(kept)
    return kept


def _copy(source: Path, target: Path) -> None:
    """Copy to a new file, its owner's alone from the start, and onto the disk."""
    number = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with open(number, "wb") as here, source.open("rb") as there:
            shutil.copyfileobj(there, here)
        _to_disk(target)
    except BaseException:
        target.unlink()
        raise


def check(path: Path) -> None:
    """Raise ``StorageUnavailable`` for what is no sound database of ours."""
    if not path.is_file():
        raise StorageUnavailable(f"There is no file {path}.")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            (state,) = connection.execute("PRAGMA integrity_check").fetchone()
            schema = _schema(connection)
    except (sqlite3.DatabaseError, TypeError):
        raise StorageUnavailable(f"{path} is no backup of this service's.") from None
    if state != "ok":
        raise StorageUnavailable(f"{path} is damaged: {state}.")
    if schema.is_beyond:
        raise StorageUnavailable(
            f"{path} has schema {schema.version}; this version of the service knows "
            f"{SCHEMA_VERSION}."
        )


def _schema(connection: sqlite3.Connection) -> Schema:
    (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    if ("schema_floor",) not in tables.fetchall():
        return Schema(version)
    (floor,) = connection.execute("SELECT version FROM schema_floor").fetchone()
    return Schema(version, floor)


def _refuse_if_in_use(path: Path) -> None:
    """A connection in exclusive mode needs every lock, also those of idle readers of the log."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            raise StorageUnavailable(
                f"{path} is in use ({error}); stop the service first."
            ) from None


def _to_disk(path: Path) -> None:
    for place in (path, path.parent):
        number = os.open(place, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _file(database_url: str) -> Path:
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or url.database is None:
        raise StorageUnavailable(
            "DATABASE_URL names no SQLite file; for PostgreSQL use pg_dump and pg_restore."
        )
    return Path(url.database)
