"""Erase what the ledger knows of a person."""

from __future__ import annotations

import attrs

from domain.errors import StillLive
from domain.person import Person
from domain.ports.records import Mentions, Records


@attrs.frozen
class ForgetPerson:
    """Sessions, calls with their timelines, webhook events and repeatable answers."""

    records: Records

    async def look(self, person: Person) -> Mentions:
        """What would be erased."""
        return await self.records.mentions(person)

    async def __call__(self, person: Person) -> Mentions:
        """Erase it; what it was.

        Raises :class:`~domain.errors.StillLive` while a session or call of theirs has not ended:
        LiveKit would go on telling of it.
        """
        found = await self.records.mentions(person)
        if found.live:
            raise StillLive(
                f"{found.live} of their sessions and calls have not ended; end them first."
            )
        return await self.records.forget(person)
