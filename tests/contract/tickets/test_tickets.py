"""The port of tickets, on every storage."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from domain.shared.errors import Conflict
from domain.shared.identifiers import TicketId
from domain.tickets.repository import TicketRepository
from domain.tickets.ticket import Ticket, TicketTerms
from tests.contract.storage.ledgers import NOON, access_of, new_id

MINUTE = timedelta(minutes=1)


def new_ticket(**changes: object) -> Ticket:
    """A ticket that is not stored."""
    ticket = Ticket(
        id=TicketId(str(new_id())),
        tenant="ann",
        terms=TicketTerms(
            user_identity="ann@example.com",
            agent_name="receptionist",
            agent="01890a5d-ac96-774b-bcce-b302099a8057@3",
            variables={"name": "Ann Müller"},
            agent_config={"greeting": None, "engine": {"a": [1, 2.5, True]}},
            room_name="support-7",
            participant_attributes={"plan": "pro"},
            token_ttl_seconds=600,
        ),
        max_sessions=2,
        created_at=NOON,
        expires_at=NOON + MINUTE,
    )
    return attrs.evolve(ticket, **changes)  # type: ignore[arg-type]


async def test_a_ticket_is_read_as_it_was_stored(tickets: TicketRepository) -> None:
    least = TicketTerms(user_identity="user-1", agent_name="receptionist", sees_unowned=True)
    for ticket in (new_ticket(), new_ticket(tenant=None, terms=least)):
        await tickets.add(ticket)
        assert await tickets.get(ticket.id, SYSTEM) == ticket
        with pytest.raises(Conflict):
            await tickets.add(ticket)
    assert await tickets.get(TicketId(str(new_id())), SYSTEM) is None


async def test_a_ticket_is_visible_to_its_tenant_only(tickets: TicketRepository) -> None:
    ticket, unowned = new_ticket(), new_ticket(tenant=None)
    await tickets.add(ticket)
    await tickets.add(unowned)

    assert await tickets.get(ticket.id, access_of("ann")) == ticket
    assert await tickets.get(ticket.id, access_of("ben")) is None
    assert await tickets.get(unowned.id, access_of("ann")) is None
    assert await tickets.get(unowned.id, access_of(None)) == unowned


async def test_of_several_uses_at_once_one_is_stored(tickets: TicketRepository) -> None:
    ticket = new_ticket()
    await tickets.add(ticket)
    begun = ticket.begun(NOON + MINUTE / 2)

    done = await asyncio.gather(*(tickets.begin(begun) for _ in range(5)), return_exceptions=True)

    assert [type(each) for each in done if each is not None] == [Conflict] * 4
    assert await tickets.get(ticket.id, SYSTEM) == begun
    await tickets.begin(begun.begun(NOON + MINUTE))
    with pytest.raises(Conflict):
        await tickets.begin(new_ticket().begun(NOON))


async def test_tickets_that_have_not_expired_are_counted_by_tenant(
    tickets: TicketRepository,
) -> None:
    for tenant in ("ann", "ann", "ben", None):
        await tickets.add(new_ticket(tenant=tenant))
    await tickets.add(new_ticket(expires_at=NOON))

    assert await tickets.count("ann", NOON) == 2
    assert await tickets.count("ben", NOON) == 1
    assert await tickets.count(None, NOON) == 1
    assert await tickets.count("cem", NOON) == 0
    assert await tickets.count("ann", NOON + MINUTE) == 0


async def test_expired_tickets_are_deleted(tickets: TicketRepository) -> None:
    old, young = new_ticket(expires_at=NOON), new_ticket(expires_at=NOON + 2 * MINUTE)
    await tickets.add(old)
    await tickets.add(young)

    assert await tickets.prune(NOON + MINUTE) == 1
    assert await tickets.get(old.id, SYSTEM) is None
    assert await tickets.get(young.id, SYSTEM) == young


@pytest.mark.parametrize(
    "person",
    [
        DataSubject.with_identity("ann@example.com"),
        DataSubject.with_identity("Müller"),
        DataSubject.with_number("+1 510 555 0177"),
    ],
    ids=["identity", "name", "number"],
)
async def test_what_a_ticket_says_of_a_person_is_found_and_erased(
    ledger: MemoryStorage | SqlStorage, person: DataSubject
) -> None:
    theirs = new_ticket(
        terms=attrs.evolve(new_ticket().terms, variables={"name": "Müller", "n": "+15105550177"})
    )
    other = new_ticket(terms=TicketTerms(user_identity="user-1", agent_name="receptionist"))
    await ledger.tickets.add(theirs)
    await ledger.tickets.add(other)

    assert await ledger.personal_data.mentions(person) == PersonalDataCounts(tickets=1)
    assert await ledger.personal_data.forget(person) == PersonalDataCounts(tickets=1)
    assert await ledger.tickets.get(theirs.id, SYSTEM) is None
    assert await ledger.tickets.get(other.id, SYSTEM) == other
