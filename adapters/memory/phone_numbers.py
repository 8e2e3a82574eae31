"""Phone numbers in the process's memory."""

from __future__ import annotations

import attrs

from adapters.memory.resource_events import ResourceEvents
from domain.access.access import Access, visible
from domain.events.domain_event import EventKind
from domain.phone_numbers.phone_number import PhoneNumber
from domain.shared.errors import Conflict
from domain.shared.identifiers import PhoneNumberId
from domain.shared.pagination import Cursor


class MemoryPhoneNumbers:
    """Implements :class:`domain.phone_numbers.repository.PhoneNumberRepository`."""

    def __init__(self, events: ResourceEvents | None = None) -> None:
        self._events = events or ResourceEvents()
        self._numbers: dict[PhoneNumberId, PhoneNumber] = {}

    async def add(self, number: PhoneNumber) -> None:
        """Store a new number."""
        if number.id in self._numbers:
            raise Conflict("There is a phone number with this id.")
        self._check_free(number)
        self._numbers[number.id] = number
        self._announce(EventKind.PHONE_NUMBER_CREATED, number)

    async def save(self, number: PhoneNumber) -> PhoneNumber:
        """Store a change of a number that was read at ``number.revision``."""
        current = self._numbers.get(number.id)
        if current is None or current.revision != number.revision:
            raise Conflict("Another request has changed this record since it was read.")
        self._check_free(number)
        stored = attrs.evolve(number, revision=number.revision + 1)
        self._numbers[number.id] = stored
        self._announce(EventKind.PHONE_NUMBER_UPDATED, stored)
        return stored

    async def get(self, number_id: PhoneNumberId, access: Access) -> PhoneNumber | None:
        """Return the entry with this id, if visible."""
        return visible(self._numbers.get(number_id), access)

    async def of_number(self, number: str, access: Access) -> list[PhoneNumber]:
        """Return the visible entries of a number, the oldest first."""
        found = [
            one
            for one in self._numbers.values()
            if one.number == number and access.sees(one.tenant)
        ]
        return sorted(found, key=lambda one: one.age)

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[PhoneNumber]:
        """Return the newest ``limit`` visible entries, of those older than ``after``."""
        end = None if after is None else (after.created_at, after.id)
        wanted = [
            one
            for one in self._numbers.values()
            if access.sees(one.tenant) and (end is None or one.age < end)
        ]
        return sorted(wanted, key=lambda one: one.age, reverse=True)[:limit]

    async def count(self, tenant: str | None) -> int:
        """Return how many entries belong to ``tenant``."""
        return sum(one.tenant == tenant for one in self._numbers.values())

    async def delete(self, number_id: PhoneNumberId, access: Access) -> bool:
        """Delete the entry, if visible."""
        number = visible(self._numbers.get(number_id), access)
        if number is None:
            return False
        del self._numbers[number_id]
        self._announce(EventKind.PHONE_NUMBER_DELETED, number)
        return True

    def _announce(self, kind: EventKind, number: PhoneNumber) -> None:
        self._events.append(kind, number, lane=number.id.value, tenant=number.tenant)

    def _check_free(self, number: PhoneNumber) -> None:
        same = (one for one in self._numbers.values() if one.number == number.number)
        if any(one.excludes(number) for one in same):
            raise Conflict("The number is stored for this trunk.")
