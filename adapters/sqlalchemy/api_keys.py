"""API keys in a database."""

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
    insert,
    or_,
    select,
    update,
)

from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Write
from adapters.sqlalchemy.events.resource_events import Change, ResourceEvents
from adapters.sqlalchemy.schema.metadata import metadata
from domain.access.access import Scope
from domain.access.api_key import ApiKey
from domain.events.announcer import Announcer
from domain.events.domain_event import EventKind

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", String(32), nullable=False),
    # SHA-256 of the whole key, hexadecimal.
    Column("digest", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)
Index("uq_api_keys_prefix", api_keys.c.prefix, unique=True)

API_KEYS: Final = Capability(table=api_keys)

_FIND: Final = select(api_keys).where(api_keys.c.prefix == bindparam("wanted"))
_ANY: Final = select(api_keys.c.id).limit(1)
_LIST: Final = select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.id.desc())
_ADD: Final[Executable] = insert(api_keys)
_THIS: Final = api_keys.c.prefix == bindparam("wanted")
_EXPIRE: Final[Executable] = (
    update(api_keys)
    .where(_THIS, or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > bindparam("at")))
    .values(expires_at=bindparam("at"))
)
_REVOKE: Final[Executable] = (
    update(api_keys)
    .where(_THIS, api_keys.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_USED: Final[Executable] = update(api_keys).where(_THIS).values(last_used_at=bindparam("at"))


class SqlApiKeys:
    """Implements :class:`domain.access.repository.ApiKeys`."""

    def __init__(self, database: Database, announcer: Announcer | None = None) -> None:
        self._database = database
        self._events = ResourceEvents(database, announcer)

    async def add(self, key: ApiKey) -> None:
        """Store ``key``."""
        values = {
            "id": key.id,
            "tenant": key.tenant,
            "name": key.name,
            "prefix": key.prefix,
            "digest": key.digest,
            "scopes": " ".join(sorted(key.scopes)),
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
            "last_used_at": key.last_used_at,
        }
        change = _change(EventKind.API_KEY_CREATED, key)
        await self._events.write([Write(_ADD, values, ("api_keys", key.prefix))], change)

    async def find(self, prefix: str) -> ApiKey | None:
        """The key with this prefix."""
        rows = await self._database.read(_FIND, {"wanted": prefix})
        return _to_key(rows[0]) if rows else None

    async def any(self) -> bool:
        """Whether a key was ever made."""
        return bool(await self._database.read(_ANY))

    async def list(self) -> list[ApiKey]:
        """Every key, the newest first."""
        return [_to_key(row) for row in await self._database.read_many(_LIST)]

    async def expire(self, prefix: str, at: datetime) -> bool:
        """Let the key open nothing from ``at`` on, unless it ends sooner."""
        return await self._change(_EXPIRE, EventKind.API_KEY_UPDATED, prefix, at)

    async def revoke(self, prefix: str, at: datetime) -> bool:
        """Let the key open nothing any more."""
        return await self._change(_REVOKE, EventKind.API_KEY_REVOKED, prefix, at)

    async def used(self, prefix: str, at: datetime) -> None:
        """Note when the key was used last."""
        values = {"wanted": prefix, "at": at}
        write = Write(_USED, values, ("api_keys", prefix), must_change=False)
        await self._database.write([write], urgent=False)

    async def _change(
        self, statement: Executable, kind: EventKind, prefix: str, at: datetime
    ) -> bool:
        """Return whether there is such a key; one that is as wanted already is left alone."""

        def work(connection: Connection) -> tuple[bool, Change | None]:
            is_changed = connection.execute(statement, {"wanted": prefix, "at": at}).rowcount == 1
            row = connection.execute(_FIND, {"wanted": prefix}).one_or_none()
            if row is None or not is_changed:
                return row is not None, None
            return True, _change(kind, _to_key(row))

        return await self._events.transact(work, ("api_keys", prefix))


def _change(kind: EventKind, key: ApiKey) -> Change:
    return Change(kind=kind, lane=key.id, tenant=key.tenant, resource=key)


def _to_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        prefix=row.prefix,
        digest=row.digest,
        # A newer version may have granted scopes that this one does not know.
        scopes=frozenset(scope for scope in Scope if scope in row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
