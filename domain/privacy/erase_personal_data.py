"""Erase what the ledger knows of a person."""

from __future__ import annotations

import attrs

from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalData, PersonalDataCounts
from domain.shared.errors import StillLive


@attrs.frozen
class ErasePersonalData:
    """Sessions, calls with their timelines, webhook events and repeatable answers."""

    records: PersonalData

    async def look(self, person: DataSubject) -> PersonalDataCounts:
        """What would be erased."""
        return await self.records.mentions(person)

    async def __call__(self, person: DataSubject) -> PersonalDataCounts:
        """Erase it; what it was.

        Raises ``StillLive`` while a session or call of theirs has not ended:
        LiveKit would go on telling of it.
        """
        found = await self.records.mentions(person)
        if found.live:
            raise StillLive(
                f"{found.live} of their sessions and calls have not ended; end them first."
            )
        return await self.records.forget(person)
