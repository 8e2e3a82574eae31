"""What sessions have used, as a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import attrs

from adapters.memory.capability import Capability
from adapters.memory.session_table import SessionTable
from domain.access.access import Access
from domain.shared.identifiers import ReportId, SessionId
from domain.shared.reported import Reported
from domain.usage.model_usage import ModelUsage, added_up
from domain.usage.repository import MOST_TURNS
from domain.usage.turn_latency import TurnLatency


@attrs.frozen
class KeptReport:
    """What is kept of one report, and since when."""

    owner: Reported
    kept_at: datetime
    usage: Sequence[ModelUsage] = ()
    turns: Mapping[str, TurnLatency] = attrs.field(factory=dict)


@attrs.frozen(eq=False)
class UsageTable(Capability):
    """Committed reports by id."""

    sessions: SessionTable
    by_report: dict[ReportId, KeptReport] = attrs.field(factory=dict)

    def store(self, changed: Mapping[ReportId, KeptReport]) -> None:
        """Store reports; an item that another one of the same session has, too, counts here."""
        for report_id, new in changed.items():
            self.by_report[report_id] = new
            for other_id, other in self.by_report.items():
                same_session = new.owner.session_id == other.owner.session_id is not None
                if same_session and other_id != report_id:
                    left = {id_: turn for id_, turn in other.turns.items() if id_ not in new.turns}
                    self.by_report[other_id] = attrs.evolve(other, turns=left)

    async def prune(self, before: datetime) -> int:
        """Delete what was kept before then of sessions that are no longer there."""
        old = [
            report
            for report, kept in self.by_report.items()
            if kept.kept_at < before and kept.owner.session_id not in self.sessions.by_id
        ]
        for report in old:
            del self.by_report[report]
        return len(old)


class MemoryUsage:
    """Implements :class:`domain.usage.repository.UsageRepository`."""

    def __init__(self, committed: UsageTable) -> None:
        self._committed = committed
        self._changed: dict[ReportId, KeptReport] = {}

    def forget(self) -> None:
        """Drop the changes."""
        self._changed = {}

    def prepared(self) -> Callable[[], None]:
        """Return what stores the changes."""
        return partial(self._committed.store, self._changed)

    async def keep(self, reported: Reported, usage: Sequence[ModelUsage]) -> None:
        """Store the usage of a report in place of what was stored of the same report."""
        kept = self._kept(reported)
        self._changed[reported.report_id] = attrs.evolve(kept, usage=added_up(usage))

    async def keep_turns(self, reported: Reported, latencies: Sequence[TurnLatency]) -> None:
        """Store turns of a report; one with the same report and item id is replaced."""
        new = {turn.item_id: turn for turn in latencies[:MOST_TURNS] if not turn.is_nothing}
        if new:
            kept = self._kept(reported)
            self._changed[reported.report_id] = attrs.evolve(kept, turns={**kept.turns, **new})

    async def match(self, reported: Reported) -> None:
        """Give what is stored of a report, if anything is, its session, call and tenant."""
        if self._seen(reported.report_id) is not None:
            self._changed[reported.report_id] = self._kept(reported)

    async def of_session(self, session_id: SessionId, access: Access) -> list[ModelUsage]:
        """Return the visible usage of a session, added up, sorted by kind, provider and model."""
        seen = {**self._committed.by_report, **self._changed}.values()
        return added_up(
            usage
            for kept in seen
            if kept.owner.session_id == session_id and access.sees(kept.owner.tenant)
            for usage in kept.usage
        )

    def _kept(self, reported: Reported) -> KeptReport:
        known = self._seen(reported.report_id)
        if known is None:
            return KeptReport(reported, datetime.now(UTC))
        return attrs.evolve(known, owner=reported if reported.is_matched else known.owner)

    def _seen(self, report: ReportId) -> KeptReport | None:
        return self._changed.get(report) or self._committed.by_report.get(report)
