from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.publishable_keys import PublishableKeys
from domain.access.repository import ApiKeys
from domain.agents.repository import AgentRepository
from domain.calls.repository import CallWork
from domain.idempotency.repository import Idempotency
from domain.inbox.repository import Inbox
from domain.operations.leases import Leases
from domain.phone_numbers.repository import PhoneNumberRepository
from domain.shared.unit_of_work import UnitOfWorkFactory
from domain.tickets.repository import TicketRepository
from tests.contract.storage.ledgers import opened


@pytest.fixture
async def unit_of_work(database_url: str) -> AsyncIterator[UnitOfWorkFactory[CallWork]]:
    """The port under test, over an empty ledger of each kind."""
    async with opened(database_url) as ledger:
        yield ledger.unit_of_work


@pytest.fixture
async def inbox(database_url: str) -> AsyncIterator[Inbox]:
    """The port under test, empty, of each kind."""
    async with opened(database_url) as ledger:
        yield ledger.inbox


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[MemoryStorage | SqlStorage]:
    """A whole ledger, empty, of each kind."""
    async with opened(database_url) as ledger:
        yield ledger


@pytest.fixture
async def leases(database_url: str) -> AsyncIterator[Leases]:
    """The port under test, of each kind."""
    async with opened(database_url) as ledger:
        yield ledger.leases


@pytest.fixture
async def agents(database_url: str) -> AsyncIterator[AgentRepository]:
    """The port under test, empty, of each kind."""
    async with opened(database_url) as ledger:
        yield ledger.agents


@pytest.fixture
async def phone_numbers(database_url: str) -> AsyncIterator[PhoneNumberRepository]:
    """The port under test, empty, of each kind."""
    async with opened(database_url) as ledger:
        yield ledger.phone_numbers


@pytest.fixture
async def api_keys(database_url: str) -> AsyncIterator[ApiKeys]:
    """The port under test, empty, of each kind."""
    async with opened(database_url) as ledger:
        yield ledger.api_keys


@pytest.fixture
async def publishable_keys(database_url: str) -> AsyncIterator[PublishableKeys]:
    """The port under test, empty, of each kind."""
    async with opened(database_url) as ledger:
        yield ledger.publishable_keys


@pytest.fixture
async def tickets(database_url: str) -> AsyncIterator[TicketRepository]:
    """The port under test, empty, of each kind."""
    async with opened(database_url) as ledger:
        yield ledger.tickets


@pytest.fixture
async def idempotency(database_url: str) -> AsyncIterator[Idempotency]:
    """The port under test, empty, of each kind."""
    async with opened(database_url) as ledger:
        yield ledger.idempotency
