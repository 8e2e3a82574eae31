"""Tickets in a database."""

from __future__ import annotations

from datetime import datetime
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
    func,
    insert,
    select,
    update,
)

from adapters.sqlalchemy.capability import Capability, personal
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.schema.metadata import metadata
from domain.access.access import Access, visible
from domain.privacy.data_subject import DataSubject
from domain.shared.identifiers import TicketId
from domain.tickets.ticket import Ticket, TicketTerms

tickets: Final = Table(
    "tickets",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", Text),
    # What the ticket fixes, as JSON.
    Column("terms", Text, nullable=False, info=personal(DataSubject.is_in_answer)),
    Column("max_sessions", Integer, nullable=False),
    Column("sessions_begun", Integer, nullable=False),
    Column("begun_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
Index("ix_tickets_expires", tickets.c.expires_at)
Index("ix_tickets_tenant", tickets.c.tenant, tickets.c.expires_at)

TICKETS: Final = Capability(table=tickets, counted_as="tickets")

_GET: Final = select(tickets).where(tickets.c.id == bindparam("wanted"))
_COUNT: Final = (
    select(func.count()).select_from(tickets).where(tickets.c.expires_at > bindparam("now"))
)
_COUNT_OWNED: Final = _COUNT.where(tickets.c.tenant == bindparam("owner"))
_COUNT_UNOWNED: Final = _COUNT.where(tickets.c.tenant.is_(None))
_ADD: Final[Executable] = insert(tickets)
_BEGIN: Final[Executable] = (
    update(tickets)
    .where(tickets.c.id == bindparam("wanted"), tickets.c.sessions_begun == bindparam("before"))
    .values(sessions_begun=bindparam("now_begun"), begun_at=bindparam("at", type_=UtcDateTime))
)
_PRUNE: Final[Executable] = delete_some(tickets, tickets.c.expires_at < bindparam("before"))


class SqlTickets:
    """Implements :class:`domain.tickets.repository.TicketRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, ticket: Ticket) -> None:
        """Store ``ticket``."""
        values = {
            "id": ticket.id.value,
            "tenant": ticket.tenant,
            "terms": ticket.terms.text,
            "max_sessions": ticket.max_sessions,
            "sessions_begun": ticket.sessions_begun,
            "begun_at": ticket.begun_at,
            "created_at": ticket.created_at,
            "expires_at": ticket.expires_at,
        }
        await self._database.write([Write(_ADD, values, _lock(ticket))])

    async def get(self, ticket_id: TicketId, access: Access) -> Ticket | None:
        """Return the ticket with this id, if visible."""
        rows = await self._database.read(_GET, {"wanted": ticket_id.value})
        return visible(_to_ticket(rows[0]), access) if rows else None

    async def count(self, tenant: str | None, now: datetime) -> int:
        """Return how many tickets of ``tenant`` have not expired."""
        if tenant is None:
            rows = await self._database.read(_COUNT_UNOWNED, {"now": now})
        else:
            rows = await self._database.read(_COUNT_OWNED, {"now": now, "owner": tenant})
        number: int = rows[0][0]
        return number

    async def begin(self, ticket: Ticket) -> None:
        """Store the session that was begun."""
        values = {
            "wanted": ticket.id.value,
            "before": ticket.sessions_begun - 1,
            "now_begun": ticket.sessions_begun,
            "at": ticket.begun_at,
        }
        await self._database.write([Write(_BEGIN, values, _lock(ticket))])

    async def prune(self, before: datetime) -> int:
        """Delete the tickets that expired before then."""
        return await self._database.repeat(_PRUNE, {"before": before})


def _lock(ticket: Ticket) -> Lock:
    return "tickets", ticket.id.value


def _to_ticket(row: Row[Any]) -> Ticket:
    return Ticket(
        id=TicketId(row.id),
        tenant=row.tenant,
        terms=TicketTerms.stored(row.terms),
        max_sessions=row.max_sessions,
        sessions_begun=row.sessions_begun,
        begun_at=row.begun_at,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
