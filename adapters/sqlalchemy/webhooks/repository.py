"""Webhooks in a database."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    select,
    true,
    tuple_,
    update,
)

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.events.resource_events import Change, ResourceEvents
from adapters.sqlalchemy.mapping import readable
from adapters.sqlalchemy.webhooks.mapping import to_webhook, webhook_moves, webhook_values
from adapters.sqlalchemy.webhooks.table import webhooks
from domain.access.access import Access
from domain.events.announcer import Announcer
from domain.events.domain_event import EventKind
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import WebhookId
from domain.shared.pagination import Cursor
from domain.webhooks.subscription import Webhook

_GET: Final = Lookup(select(webhooks).where(webhooks.c.id == bindparam("wanted")))
_ALL: Final = Lookup(select(webhooks))
_COUNT: Final = select(func.count()).select_from(webhooks)
_ADD: Final[Executable] = insert(webhooks)
_SAVE: Final[Executable] = update(webhooks).where(
    webhooks.c.id == bindparam("saved_id"), webhooks.c.revision == bindparam("read_revision")
)
_DELETE: Final[Executable] = delete(webhooks).where(webhooks.c.id == bindparam("wanted"))
_FAILING: Final[Executable] = (
    update(webhooks)
    .where(webhooks.c.id == bindparam("wanted"), webhooks.c.failing_since.is_(None))
    .values(failing_since=bindparam("at", type_=UtcDateTime), revision=webhooks.c.revision + 1)
)
_WORKING: Final[Executable] = (
    update(webhooks)
    .where(webhooks.c.id == bindparam("wanted"), webhooks.c.failing_since.is_not(None))
    .values(failing_since=None, revision=webhooks.c.revision + 1)
)


class SqlWebhooks:
    """Implements :class:`domain.webhooks.repository.WebhookRepository`."""

    def __init__(self, database: Database, announcer: Announcer | None = None) -> None:
        self._database = database
        self._events = ResourceEvents(database, announcer)

    async def add(self, webhook: Webhook) -> None:
        """Store a new webhook."""
        added = Write(_ADD, webhook_values(webhook), _lock(webhook.id))
        await self._events.write([added], _change(EventKind.WEBHOOK_CREATED, webhook))

    async def save(self, webhook: Webhook) -> Webhook:
        """Store a change of a webhook that was read at ``webhook.revision``."""
        await self._events.write([saving(webhook)], _change(EventKind.WEBHOOK_UPDATED, webhook))
        return attrs.evolve(webhook, revision=webhook.revision + 1)

    async def get(self, webhook_id: WebhookId, access: Access) -> Webhook | None:
        """Return the webhook with this id, if visible."""
        rows = await self._database.read(_GET, {"wanted": webhook_id.value})
        found = to_webhook(rows[0]) if rows else None
        return found if found is not None and found.reach.is_visible_to(access) else None

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[Webhook]:
        """Return the newest ``limit`` visible webhooks, of those older than ``after``."""
        place = tuple_(webhooks.c.created_at, webhooks.c.id)
        query = _visible(access).order_by(webhooks.c.created_at.desc(), webhooks.c.id.desc())
        values: dict[str, Any] = {}
        if after is not None:
            at = bindparam("at", type_=UtcDateTime)
            query = query.where(place < tuple_(at, bindparam("id", type_=Text)))
            values = {"at": after.created_at, "id": after.id}
        rows = await self._database.read_many(query.limit(limit), values)
        return [to_webhook(row) for row in rows]

    async def count(self, tenant: str | None) -> int:
        """Return how many webhooks belong to ``tenant``."""
        (row,) = await self._database.read_many(_COUNT.where(webhooks.c.tenant == tenant))
        return int(row[0])

    async def delete(self, webhook_id: WebhookId, access: Access) -> bool:
        """Delete the webhook, if visible."""
        found = await self.get(webhook_id, access)
        if found is None:
            return False

        def work(connection: Connection) -> tuple[bool, Change | None]:
            is_deleted = connection.execute(_DELETE, {"wanted": webhook_id.value}).rowcount == 1
            return is_deleted, _change(EventKind.WEBHOOK_DELETED, found) if is_deleted else None

        return await self._events.transact(work, _lock(webhook_id))

    async def all(self, unreadable: list[StorageUnavailable], access: Access) -> list[Webhook]:
        """Return every visible webhook."""
        if access.tenants is None:
            rows = await self._database.read(_ALL)
        else:
            rows = await self._database.read_many(_visible(access))
        return readable(rows, to_webhook, unreadable)

    async def note_failure(self, webhook_id: WebhookId, at: datetime) -> None:
        """Set ``failing_since`` unless it is set."""
        await self._note(_FAILING, webhook_id, {"at": at})

    async def note_success(self, webhook_id: WebhookId) -> None:
        """Clear ``failing_since``."""
        await self._note(_WORKING, webhook_id, {})

    async def _note(
        self, statement: Executable, webhook_id: WebhookId, values: dict[str, Any]
    ) -> None:
        which = {"wanted": webhook_id.value, **values}
        write = Write(statement, which, _lock(webhook_id), must_change=False)
        await self._database.write([write], urgent=False)


class SqlWebhookChanges:
    """Implements :class:`domain.webhooks.repository.WebhookChanges`."""

    def __init__(self, writes: list[Write]) -> None:
        self._writes = writes

    async def save(self, webhook: Webhook) -> None:
        """Store a change with the commit."""
        self._writes.append(saving(webhook))


def saving(webhook: Webhook) -> Write:
    """Return the write of a change of a webhook that was read at ``webhook.revision``."""
    moves = webhook_moves(attrs.evolve(webhook, revision=webhook.revision + 1))
    which = {"saved_id": webhook.id.value, "read_revision": webhook.revision}
    return Write(_SAVE, moves | which, _lock(webhook.id))


def is_visible(table: Table, access: Access) -> ColumnElement[bool]:
    """Return the condition that :meth:`~domain.webhooks.subscription.Reach.is_visible_to` is."""
    if access.tenants is None:
        return true()
    owned: ColumnElement[bool] = table.c.tenant == access.tenant
    unowned = true() if access.sees_unowned else table.c.sees_unowned == false()
    return and_(owned, table.c.sees_all == false(), unowned)


def _visible(access: Access) -> Select[Any]:
    return select(webhooks).where(is_visible(webhooks, access))


def _change(kind: EventKind, webhook: Webhook) -> Change:
    return Change(kind=kind, lane=webhook.id.value, tenant=webhook.reach.tenant, resource=webhook)


def _lock(webhook_id: WebhookId) -> Lock:
    return "webhooks", webhook_id.value
