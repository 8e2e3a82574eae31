"""Locks that are held until a transaction ends, of what has no row that could be locked."""

from __future__ import annotations

import enum
from typing import Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, select

_LOCK: Final = select(
    func.pg_advisory_xact_lock(
        func.hashtextextended(bindparam("name", type_=Text), bindparam("locked", type_=BigInteger))
    )
)


class Locked(enum.IntEnum):
    """What is locked. Replicas of other versions must know it by the same number."""

    TRANSCRIPT = 20
    REPORTS = 21
    TURNS = 23


def lock_name(connection: Connection, locked: Locked, name: str) -> None:
    """Wait until no other transaction has the lock. SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"name": name, "locked": int(locked)})
