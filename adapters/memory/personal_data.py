"""Find and erase personal data in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from adapters.memory.capability import Capability, Mentions
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from domain.shared.identifiers import Uuid

_ID: Final = str | Uuid


class MemoryPersonalData:
    """Implements :class:`domain.privacy.personal_data.PersonalData`."""

    def __init__(self, capabilities: Iterable[Capability]) -> None:
        concerned = [each for each in capabilities if each.counted_as]
        self._capabilities = sorted(concerned, key=lambda each: each.quotes_ids)

    async def mentions(self, person: DataSubject) -> PersonalDataCounts:
        """What mentions ``person``."""
        return _counted(self._find(person))

    async def forget(self, person: DataSubject) -> PersonalDataCounts:
        """Delete it; what it was."""
        found = self._find(person)
        for capability, mentions in found.items():
            capability.erase(mentions)
        return _counted(found)

    def _find(self, person: DataSubject) -> dict[Capability, Mentions]:
        found: dict[Capability, Mentions] = {}
        for capability in self._capabilities:
            ids = [str(key) for keys in found.values() for key in keys if isinstance(key, _ID)]
            found[capability] = capability.mentions(person, ids)
        return found


def _counted(found: dict[Capability, Mentions]) -> PersonalDataCounts:
    counts = {capability.counted_as: len(mentions) for capability, mentions in found.items()}
    live = sum(is_live for mentions in found.values() for is_live in mentions.values())
    return PersonalDataCounts(**counts, live=live)
