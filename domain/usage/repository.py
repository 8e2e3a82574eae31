"""The port that keeps what sessions have used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from domain.access.access import Access
from domain.calls.repository import CallWork
from domain.shared.identifiers import SessionId
from domain.shared.reported import Reported
from domain.usage.model_usage import ModelUsage
from domain.usage.turn_latency import TurnLatency

MOST_TURNS: Final = 2000
"""Latencies that are kept of one call of :meth:`UsageRepository.keep_turns`: hours of talk."""


class UsageRepository(Protocol):
    """What workers have reported, by report; several reports of one session add up."""

    async def keep(self, reported: Reported, usage: Sequence[ModelUsage]) -> None:
        """Store the usage of a report in place of what was stored of the same report.

        What was matched stays so, also if ``reported`` is not.
        ``usage`` has each model once, as :func:`~domain.usage.read_summary.usage_of` returns it.
        """
        ...

    async def keep_turns(self, reported: Reported, latencies: Sequence[TurnLatency]) -> None:
        """Store turns of a report; one with the same report and item id is replaced.

        Without latencies a turn is left out, as are those beyond the first :data:`MOST_TURNS`.
        """
        ...

    async def match(self, reported: Reported) -> None:
        """Give what is stored of a report, if anything is, its session, call and tenant."""
        ...

    async def of_session(self, session_id: SessionId, access: Access) -> list[ModelUsage]:
        """Return the visible usage of a session, added up, sorted by kind, provider and model.

        Shows what is committed, and this unit's changes.
        """
        ...


class UsageWork(CallWork, Protocol):
    """A transaction on sessions, calls, and what they have used."""

    @property
    def usage(self) -> UsageRepository:
        """Return the usage as this transaction sees it."""
        ...
