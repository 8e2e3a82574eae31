"""The port to what is stored of a person."""

from __future__ import annotations

from typing import Protocol

import attrs

from domain.privacy.data_subject import DataSubject


@attrs.frozen(kw_only=True)
class PersonalDataCounts:
    """How many records mention a person; ``live`` of the sessions and calls have not ended."""

    sessions: int = 0
    calls: int = 0
    events: int = 0
    answers: int = 0
    tickets: int = 0
    domain_events: int = 0
    transcript_items: int = 0
    recordings: int = 0
    reports: int = 0
    live: int = 0

    @property
    def all(self) -> int:
        """How many records there are."""
        counted: tuple[int, ...] = attrs.astuple(attrs.evolve(self, live=0))
        return sum(counted)


class PersonalData(Protocol):
    """Each method raises ``StorageUnavailable`` when storage fails."""

    async def mentions(self, person: DataSubject) -> PersonalDataCounts:
        """Count what mentions ``person``: sessions, calls, webhook events, answers, tickets, domain
        events, reports, items of transcripts and recordings. A session's or call's own transcript
        and recordings do.
        """
        ...

    async def forget(self, person: DataSubject) -> PersonalDataCounts:
        """Delete it, live or not, so that not even free space in a file holds it; what it was.

        Recordings are marked: they can no longer be played, and their objects are deleted next.
        """
        ...
