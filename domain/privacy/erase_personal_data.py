"""Erase what the ledger knows of a person."""

from __future__ import annotations

import attrs

from domain.access.access import Access, Scope
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalData, PersonalDataCounts
from domain.shared.errors import StillLive


@attrs.frozen
class ErasePersonalData:
    """Sessions, calls with their timelines, webhook events and repeatable answers."""

    personal_data: PersonalData

    async def look(self, subject: DataSubject, access: Access) -> PersonalDataCounts:
        """Return how much would be erased. Raises ``Forbidden`` without the scope ``admin``."""
        access.require(Scope.ADMIN)
        return await self.personal_data.mentions(subject)

    async def __call__(self, subject: DataSubject, access: Access) -> PersonalDataCounts:
        """Erase it, and return how much it was.

        Raises ``Forbidden`` without the scope ``admin``, and ``StillLive`` while a session or call
        of the data subject has not ended: LiveKit would go on reporting it.
        """
        access.require(Scope.ADMIN)
        found = await self.personal_data.mentions(subject)
        if found.live:
            raise StillLive(
                f"{found.live} of their sessions and calls have not ended; end them first."
            )
        return await self.personal_data.forget(subject)
