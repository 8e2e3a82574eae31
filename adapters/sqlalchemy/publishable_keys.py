"""Publishable keys in a database."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import (
    Column,
    Executable,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    or_,
    select,
)

from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.page import of_tenants
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Write
from adapters.sqlalchemy.schema.metadata import metadata
from domain.access.access import Access
from domain.access.publishable_key import PublishableKey

publishable_keys: Final = Table(
    "publishable_keys",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", Text),
    # Empty where there is an agent_id.
    Column("agent_name", Text, nullable=False),
    # A list as JSON.
    Column("allowed_origins", Text, nullable=False),
    Column("requests_per_minute", Integer, nullable=False),
    Column("prefix", String(32), nullable=False),
    # SHA-256 of the whole key, hexadecimal.
    Column("digest", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # A saved agent's id, or id@version.
    Column("agent_id", Text),
)
Index("uq_publishable_keys_prefix", publishable_keys.c.prefix, unique=True)

PUBLISHABLE_KEYS: Final = Capability(table=publishable_keys)

_FIND: Final = select(publishable_keys).where(publishable_keys.c.prefix == bindparam("wanted"))
_LIST: Final = select(publishable_keys).order_by(
    publishable_keys.c.created_at.desc(), publishable_keys.c.id.desc()
)
_ADD: Final[Executable] = insert(publishable_keys)
_REMOVE: Final = delete(publishable_keys).where(publishable_keys.c.id == bindparam("wanted"))


class SqlPublishableKeys:
    """Implements :class:`domain.access.publishable_keys.PublishableKeys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: PublishableKey) -> None:
        """Store ``key``."""
        values = {
            "id": key.id,
            "tenant": key.tenant,
            "agent_name": key.agent_name or "",
            "agent_id": key.agent_id,
            "allowed_origins": json.dumps(key.allowed_origins),
            "requests_per_minute": key.requests_per_minute,
            "prefix": key.prefix,
            "digest": key.digest,
            "created_at": key.created_at,
        }
        await self._database.write([Write(_ADD, values, ("publishable_keys", key.prefix))])

    async def find(self, prefix: str) -> PublishableKey | None:
        """Return the key with this prefix."""
        rows = await self._database.read(_FIND, {"wanted": prefix})
        return _to_key(rows[0]) if rows else None

    async def list(self, access: Access) -> list[PublishableKey]:
        """Return the visible keys, the newest first."""
        query = of_tenants(_LIST, publishable_keys, access.tenants)
        return [_to_key(row) for row in await self._database.read_many(query)]

    async def remove(self, key_id: str, access: Access) -> bool:
        """Delete a visible key."""
        statement = _REMOVE
        if access.tenants is not None:
            whose = [publishable_keys.c.tenant == tenant for tenant in access.tenants]
            statement = statement.where(or_(*whose))
        lock = ("publishable_keys", key_id)
        write = Write(statement, {"wanted": key_id}, lock, must_change=False)
        (removed,) = await self._database.write([write])
        return removed == 1


def _to_key(row: Row[Any]) -> PublishableKey:
    return PublishableKey(
        id=row.id,
        tenant=row.tenant,
        agent_name=row.agent_name or None,
        agent_id=row.agent_id,
        allowed_origins=tuple(json.loads(row.allowed_origins)),
        requests_per_minute=row.requests_per_minute,
        prefix=row.prefix,
        digest=row.digest,
        created_at=row.created_at,
    )
