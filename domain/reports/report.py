"""A worker's report of one job: what was said, used and recorded in a room."""

from __future__ import annotations

import enum
import json
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.reports.header import ReportHeader
from domain.shared.identifiers import CallId, ReportId, SessionId
from domain.shared.reported import Reported

ABANDONED_AFTER: Final = timedelta(minutes=15)
"""Since the last part of a report was stored: livekit-agents gives an upload no longer."""
_SOONEST: Final = timedelta(seconds=1)
_LATEST: Final = timedelta(hours=1)
_MEANT: Final = "session_id"
"""In a report's summary; nothing of the worker's has this name there."""


class Part(enum.StrEnum):
    """What became of a part of a report.

    ``UNREADABLE``: it came and is not what it should be. ``DROPPED``: it is not to be kept, because
    nothing is recorded here or the session opted out. ``PARTIAL``: the service was stopped while it
    stored a large one, and the worker has not sent it again; what is there is kept.
    """

    ABSENT = "absent"
    KEPT = "kept"
    UNREADABLE = "unreadable"
    DROPPED = "dropped"
    PARTIAL = "partial"

    def gives_way_to(self, later: Part) -> bool:
        """Return whether a later report with this part in state ``later`` says more."""
        return self is Part.ABSENT or (self is not Part.KEPT and later is Part.KEPT)


@attrs.frozen(kw_only=True)
class Report:
    """One report for each job (``AJ_…``) in a room instance (``RM_…``).

    ``completed_at``: when the whole report came; None while its worker has only sent items.
    ``summary``: what is kept of the worker's, a JSON object; empty while there is none. It also has
    the session that some of many items are kept for, before the report is matched with it.
    ``session_id``, ``call_id`` and ``tenant`` are None until it is matched with a session; until
    then that is tried at ``retry_at``, and no caller sees what it brought.
    """

    id: ReportId
    room_sid: str
    job_id: str
    room_name: str = ""
    received_at: datetime
    completed_at: datetime | None = None
    summary: str = ""
    transcript: Part = Part.ABSENT
    audio: Part = Part.ABSENT
    session_id: SessionId | None = None
    call_id: CallId | None = None
    tenant: str | None = None
    retry_at: datetime | None = None
    version: int = 0

    @property
    def reported(self) -> Reported:
        """Return the owner of what the report brought."""
        return Reported(
            report_id=self.id,
            session_id=self.session_id,
            call_id=self.call_id,
            tenant=self.tenant,
        )

    @property
    def is_coming(self) -> bool:
        """Return whether nothing, or only some of many items, is stored of it."""
        return self.session_id is None and not self.is_complete

    @property
    def meant_for(self) -> SessionId | None:
        """Return the session that it is matched with, or that items are kept for already."""
        return self.session_id or meant_in(self.summary)

    @property
    def is_complete(self) -> bool:
        """Whether the worker's final report has come, so that a further one is a repetition."""
        return self.completed_at is not None

    def stored(self) -> Report:
        """Return the report as it is read once this change is stored."""
        return attrs.evolve(self, version=self.version + 1)

    def kept_for(self, session_id: SessionId | None) -> Report:
        """Return the report some of whose items become that session's before it is matched.

        All of them will, also if another session should look likelier later.
        """
        if session_id is None or self.meant_for is not None:
            return self
        summary = {**json.loads(self.summary or "{}"), _MEANT: session_id.value}
        return attrs.evolve(self, summary=json.dumps(summary, separators=(",", ":")))

    def coming(self, now: datetime, session_id: SessionId | None) -> Report:
        """Return the report of whose many items some are stored now, before the rest of it.

        If its worker does not finish it, what is there is matched at ``retry_at``.
        """
        report = self.kept_for(session_id)
        if self.retry_at is not None and self.retry_at > now + ABANDONED_AFTER / 2:
            return report
        return attrs.evolve(report, retry_at=now + ABANDONED_AFTER)

    def matched(self, session_id: SessionId, call_id: CallId | None, tenant: str | None) -> Report:
        """Return the report as that session's."""
        return attrs.evolve(
            self, session_id=session_id, call_id=call_id, tenant=tenant, retry_at=None
        )

    def abandoned(self) -> Report:
        """Return the report as one of which no more is waited for; a later whole one counts."""
        return self if self.is_complete else attrs.evolve(self, transcript=Part.PARTIAL)

    def completed(
        self, now: datetime, header: ReportHeader, transcript: Part, audio: Part
    ) -> Report:
        """Return the report with what a final one says; what is kept already stays.

        The same report again changes nothing.
        """
        first = not self.is_complete
        return attrs.evolve(
            self,
            completed_at=now if first else self.completed_at,
            room_name=header.room_name if first else self.room_name,
            summary=header.summary_text if first else self.summary,
            transcript=transcript if self.transcript.gives_way_to(transcript) else self.transcript,
            audio=audio if self.audio.gives_way_to(audio) else self.audio,
        )

    def tried(self, now: datetime) -> Report:
        """Return the report that matched no session at ``now``; the older, the rarer it is tried.

        A session whose room is not known yet is learned of within seconds, by webhook or by the
        reconciler, or much later, after an outage.
        """
        wait = min(max((now - self.received_at) / 10, _SOONEST), _LATEST)
        return attrs.evolve(self, retry_at=now + wait)


def meant_in(summary: str) -> SessionId | None:
    """Return the session that a report's summary says some of its items are kept for."""
    session_id = json.loads(summary or "{}").get(_MEANT)
    return None if session_id is None else SessionId(session_id)
