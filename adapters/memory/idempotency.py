"""Idempotent answers as a dictionary."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar

import attrs

from adapters.memory.capability import Capability, Mentions
from domain.idempotency.repository import Attempt, Remembered
from domain.privacy.data_subject import DataSubject


@attrs.frozen
class _Row:
    remembered: Remembered
    held_until: datetime | None


class MemoryIdempotency(Capability):
    """Implements :class:`domain.idempotency.repository.Idempotency`."""

    counted_as: ClassVar[str] = "answers"
    quotes_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], _Row] = {}

    async def begin(self, attempt: Attempt) -> Remembered:
        """What is remembered of the key; its holder is the attempt's if this one may go on."""
        row = self._rows.get((attempt.tenant, attempt.key))
        begun = attempt.begun()
        if row is not None:
            known = row.remembered
            if row.held_until is not None and attempt.now < row.held_until <= attempt.horizon:
                return known
            if known.created_at >= attempt.since:
                if known.answer is not None or known.fingerprint != attempt.fingerprint:
                    return known
                begun = attempt.begun(known.created_at)
        remembered = attrs.evolve(begun, is_new=False)
        self._rows[attempt.tenant, attempt.key] = _Row(remembered, attempt.until)
        return begun

    async def finish(self, attempt: Attempt, answer: str) -> None:
        """Remember ``answer``, if the attempt still holds the key."""
        self._release(attempt, answer)

    async def give_up(self, attempt: Attempt) -> None:
        """Let another attempt begin at once, if this one still holds the key."""
        self._release(attempt, None)

    async def forget(self, attempt: Attempt) -> None:
        """Let the key be used for any request, if this attempt still holds it."""
        place = attempt.tenant, attempt.key
        row = self._rows.get(place)
        if row is not None and row.remembered.holder == attempt.holder:
            del self._rows[place]

    async def prune(self, before: datetime) -> int:
        """Forget keys that were first used before then and are free; how many they were."""
        old = [
            key
            for key, row in self._rows.items()
            if row.remembered.created_at < before
            and (row.held_until is None or row.held_until <= before)
        ]
        for key in old:
            del self._rows[key]
        return len(old)

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:
        """The keys of the answers that mention the person, or contain one of ``ids``."""
        return {
            (tenant, key): False
            for (tenant, key), row in self._rows.items()
            if person.is_in(key)
            or person.is_in_answer(row.remembered.answer)
            or any(record_id in (row.remembered.answer or "") for record_id in ids)
        }

    def erase(self, keys: Collection[tuple[str, str]]) -> None:
        """Delete answers."""
        for key in keys:
            del self._rows[key]

    def free(self, prefix: str) -> None:
        """Free the keys whose holders' names begin so."""
        for place, row in self._rows.items():
            holder = row.remembered.holder
            if holder is not None and holder.startswith(prefix):
                self._rows[place] = _Row(attrs.evolve(row.remembered, holder=None), None)

    def _release(self, attempt: Attempt, answer: str | None) -> None:
        row = self._rows.get((attempt.tenant, attempt.key))
        if row is not None and row.remembered.holder == attempt.holder:
            known = attrs.evolve(row.remembered, holder=None, answer=answer)
            self._rows[attempt.tenant, attempt.key] = _Row(known, None)
