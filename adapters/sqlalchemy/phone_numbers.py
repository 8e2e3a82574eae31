"""Phone numbers in a database."""

from __future__ import annotations

from typing import Any, Final

import attrs
from sqlalchemy import (
    Column,
    Connection,
    Executable,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.listing import Half, Listing
from adapters.sqlalchemy.engine.page import page_of
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Lock
from adapters.sqlalchemy.events.resource_events import Change, ResourceEvents
from adapters.sqlalchemy.mapping import unreadable_row
from adapters.sqlalchemy.schema.metadata import metadata
from domain.access.access import Access, visible
from domain.events.announcer import Announcer
from domain.events.domain_event import EventKind
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.shared.errors import Conflict, InvalidInput
from domain.shared.identifiers import AgentId, PhoneNumberId
from domain.shared.pagination import Cursor, Span

phone_numbers: Final = Table(
    "phone_numbers",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", Text),
    Column("number", Text, nullable=False),
    # Empty, not null: an index takes each null for another value.
    Column("trunk_id", Text, nullable=False),
    Column("agent_id", String(36), nullable=False),
    Column("webhook_url", Text),
    Column("webhook_secret", Text),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
Index("uq_phone_numbers_trunk", phone_numbers.c.number, phone_numbers.c.trunk_id, unique=True)
LISTING: Final = Listing.of(
    phone_numbers,
    few={},
    whole=[],
    shared={(): "created"},
    indexes={(Half.UNOWNED, ()): "unowned", (Half.OWNED, ("tenant",)): "tenant"},
)
PHONE_NUMBERS: Final = Capability(table=phone_numbers)

_GET: Final = select(phone_numbers).where(phone_numbers.c.id == bindparam("wanted"))
_OF_NUMBER: Final = (
    select(phone_numbers)
    .where(phone_numbers.c.number == bindparam("wanted_number"))
    .order_by(phone_numbers.c.created_at, phone_numbers.c.id)
)
_RESERVE: Final = select(
    func.pg_advisory_xact_lock(func.hashtext(bindparam("reserved", type_=Text)))
)
_COUNT: Final = select(func.count()).select_from(phone_numbers)
_COUNT_OWNED: Final = _COUNT.where(phone_numbers.c.tenant == bindparam("owner"))
_COUNT_UNOWNED: Final = _COUNT.where(phone_numbers.c.tenant.is_(None))
_ADD: Final[Executable] = insert(phone_numbers)
_SAVE: Final[Executable] = update(phone_numbers).where(
    phone_numbers.c.id == bindparam("saved_id"),
    phone_numbers.c.revision == bindparam("read_revision"),
)
_DELETE: Final[Executable] = delete(phone_numbers).where(phone_numbers.c.id == bindparam("wanted"))


@attrs.frozen
class _All:
    created: Span = Span()


class SqlPhoneNumbers:
    """Implements :class:`domain.phone_numbers.repository.PhoneNumberRepository`."""

    def __init__(self, database: Database, announcer: Announcer | None = None) -> None:
        self._database = database
        self._events = ResourceEvents(database, announcer)

    async def add(self, number: PhoneNumber) -> None:
        """Store a new number."""
        values = {"id": number.id.value, "created_at": number.created_at} | _moves(number)
        await self._store(_change(EventKind.PHONE_NUMBER_CREATED, number), number, _ADD, values)

    async def save(self, number: PhoneNumber) -> PhoneNumber:
        """Store a change of a number that was read at ``number.revision``."""
        stored = attrs.evolve(number, revision=number.revision + 1)
        which = {"saved_id": number.id.value, "read_revision": number.revision}
        change = _change(EventKind.PHONE_NUMBER_UPDATED, stored)
        await self._store(change, number, _SAVE, _moves(stored) | which)
        return stored

    async def _store(
        self, change: Change, number: PhoneNumber, statement: Executable, values: dict[str, Any]
    ) -> None:
        """Carry out ``statement`` unless another entry excludes the number, in one transaction."""

        def work(connection: Connection) -> tuple[bool, Change | None]:
            if connection.dialect.name == "postgresql":  # SQLite has one writer
                connection.execute(_RESERVE, {"reserved": number.number})
            rows = connection.execute(_OF_NUMBER, {"wanted_number": number.number}).all()
            if any(_to_number(row).excludes(number) for row in rows):
                return False, None
            is_stored = connection.execute(statement, values).rowcount == 1
            return is_stored, change if is_stored else None

        if not await self._events.transact(work, _lock(number.number)):
            raise Conflict("The number has changed, or is stored for this trunk.")

    async def get(self, number_id: PhoneNumberId, access: Access) -> PhoneNumber | None:
        """Return the entry with this id, if visible."""
        rows = await self._database.read(_GET, {"wanted": number_id.value})
        return visible(_to_number(rows[0]), access) if rows else None

    async def of_number(self, number: str, access: Access) -> list[PhoneNumber]:
        """Return the visible entries of a number, the oldest first."""
        rows = await self._database.read_many(_OF_NUMBER, {"wanted_number": number})
        return [one for one in map(_to_number, rows) if access.sees(one.tenant)]

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[PhoneNumber]:
        """Return the newest ``limit`` visible entries, of those older than ``after``."""
        lateral = not self._database.embedded
        tenants = access.tenants
        query, values = page_of(LISTING, _All(), after, limit, tenants, lateral=lateral)
        return [_to_number(row) for row in await self._database.read_many(query, values)]

    async def count(self, tenant: str | None) -> int:
        """Return how many entries belong to ``tenant``."""
        if tenant is None:
            rows = await self._database.read_many(_COUNT_UNOWNED)
        else:
            rows = await self._database.read_many(_COUNT_OWNED, {"owner": tenant})
        return int(rows[0][0])

    async def delete(self, number_id: PhoneNumberId, access: Access) -> bool:
        """Delete the entry, if visible."""
        found = await self.get(number_id, access)
        if found is None:
            return False

        def work(connection: Connection) -> tuple[bool, Change | None]:
            is_deleted = connection.execute(_DELETE, {"wanted": number_id.value}).rowcount == 1
            change = _change(EventKind.PHONE_NUMBER_DELETED, found) if is_deleted else None
            return is_deleted, change

        return await self._events.transact(work, _lock(found.number))


def _change(kind: EventKind, number: PhoneNumber) -> Change:
    return Change(kind=kind, lane=number.id.value, tenant=number.tenant, resource=number)


def _lock(number: str) -> Lock:
    """By the number, of which another request may be adding or moving an entry."""
    return "phone_numbers", number


def _moves(number: PhoneNumber) -> dict[str, Any]:
    """The columns of a number's row that a change writes."""
    webhook = number.webhook
    return {
        "tenant": number.tenant,
        "number": number.number,
        "trunk_id": number.trunk_id or "",
        "agent_id": number.agent_id.value,
        "webhook_url": None if webhook is None else webhook.url,
        "webhook_secret": None if webhook is None else webhook.secret,
        "revision": number.revision,
        "updated_at": number.updated_at,
    }


def _to_number(row: Row[Any]) -> PhoneNumber:
    """The entry that ``row`` was made from. Raises ``StorageUnavailable`` for an unknown form."""
    try:
        webhook = None
        if row.webhook_url is not None:
            webhook = PreCallWebhook(url=row.webhook_url, secret=row.webhook_secret)
        return PhoneNumber(
            id=PhoneNumberId(row.id),
            tenant=row.tenant,
            number=row.number,
            trunk_id=row.trunk_id or None,
            agent_id=AgentId(row.agent_id),
            webhook=webhook,
            revision=row.revision,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
    except InvalidInput:
        raise unreadable_row(f"phone number {row.id}") from None
