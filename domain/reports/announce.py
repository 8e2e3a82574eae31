"""Announce what a report brought, in the transaction that keeps or matches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from domain.access.access import SYSTEM
from domain.events.domain_event import EventKind, NewEvent
from domain.recordings.recording import Recording
from domain.reports.contents import ReportWork
from domain.reports.report import Part, Report
from domain.shared.identifiers import SessionId
from domain.shared.reported import Reported
from domain.shared.timeline import Source
from domain.usage.read_usage import ReadUsage, UsageAndCost


class ReadyPresenter(Protocol):
    """Makes the data of the events as the API shows it."""

    def transcript(self, reported: Reported, items: int) -> Mapping[str, Any]:
        """Return the outline of a transcript: its items may be megabytes, and are fetched."""
        ...

    def usage(self, usage: UsageAndCost) -> Mapping[str, Any]:
        """Return a session's usage."""
        ...

    def recording(self, recording: Recording) -> Mapping[str, Any]:
        """Return a recording."""
        ...


@attrs.frozen
class Announce:
    """Appends ``transcript.ready``, ``usage.ready`` and ``recording.ready``."""

    presenter: ReadyPresenter
    read_usage: ReadUsage

    async def __call__(
        self,
        work: ReportWork,
        report: Report,
        *,
        items: int,
        has_usage: bool,
        recordings: Sequence[Recording],
    ) -> None:
        """Append the events of what came, unless the report is not complete or not matched yet.

        ``items`` is how many items of a transcript are kept that was not announced before.
        """
        reported, session_id, at = report.reported, report.session_id, report.completed_at
        if session_id is None or at is None:
            return
        data: list[tuple[EventKind, Mapping[str, Any]]] = []
        if report.transcript is Part.KEPT and items:
            data.append((EventKind.TRANSCRIPT_READY, self.presenter.transcript(reported, items)))
        if has_usage and (usage := await self._usage(work, session_id)) is not None:
            data.append((EventKind.USAGE_READY, self.presenter.usage(usage)))
        data += [(EventKind.RECORDING_READY, self.presenter.recording(each)) for each in recordings]
        for kind, shown in data:
            await work.events.append(
                NewEvent(
                    kind=kind,
                    occurred_at=at,
                    source=Source.WORKER,
                    tenant=report.tenant,
                    session_id=session_id,
                    call_id=report.call_id,
                    data=shown,
                )
            )

    async def _usage(self, work: ReportWork, session_id: SessionId) -> UsageAndCost | None:
        """Return what the session has used, with this report; None if that is nothing."""
        session = await work.sessions.get(session_id, SYSTEM)
        if session is None:
            return None
        found = await self.read_usage.within(work, session, SYSTEM)
        return found if found.models else None
