"""Take a report, or items of one, that a worker posts for a session by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from domain.access.access import Access
from domain.reports.choose_session import AGENT_PREFIX
from domain.reports.header import ReportHeader, ReportReader
from domain.reports.keep_report import KeepReport, NewReport
from domain.reports.report import Part, Report
from domain.sessions.session import Session
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import LONGEST_ID, SessionId
from domain.shared.look_up import look_up
from domain.transcripts.item import TranscriptItem
from domain.transcripts.read_chat_history import items_of


@attrs.frozen(kw_only=True)
class PostReportCommand:
    """``body``: ``ctx.make_session_report().to_dict()`` as JSON, or an object with ``items``."""

    session_id: str
    body: bytes
    access: Access


@attrs.frozen(kw_only=True)
class Posted:
    """The report as it is stored, and how many items came with this request."""

    report: Report
    items: int


@attrs.frozen(kw_only=True)
class PostReport:
    """Adds to the one report that the session's job has, however it comes."""

    reader: ReportReader
    keep_report: KeepReport

    async def __call__(self, command: PostReportCommand) -> Posted:
        """Return once it is durable; the same again changes nothing.

        An item with an id that is known replaces that one. A report with ``chat_history`` or
        ``usage`` is the final one. Raises ``NotFound``, ``InvalidReport``, ``InvalidInput`` if
        ``items`` is no list, and ``StorageUnavailable``.
        """
        async with self.keep_report.unit_of_work() as work:
            find = partial(work.sessions.get, access=command.access)
            session = await look_up(
                command.session_id,
                SessionId,
                find,
                missing="There is no session with this id.",
                field="sessionId",
            )
            report = await self.reader.posted(command.body)
            if not isinstance(report.get("items", []), list):
                raise InvalidInput("items must be a list.", field="items", example=[])
            header = _header(session, report)
            earlier = await work.reports.of_job(header.room_sid, header.job_id)
        if earlier is not None and earlier.session_id not in (None, session.id):
            header = attrs.evolve(header, room_sid="", job_id=session.id.value)  # another's job
        items = await _items(report)
        is_final = "chat_history" in report or "usage" in report
        kept = await self.keep_report(
            NewReport(
                header=header,
                items=items,
                transcript=Part.KEPT if items else Part.ABSENT,
                session=session,
                is_final=is_final,
            )
        )
        return Posted(report=kept.report, items=len(items))


def _header(session: Session, report: Mapping[str, Any]) -> ReportHeader:
    """Return the header of the report that the worker's upload will have, too, where possible.

    A caller says whose job it is for the session's own room instance only.
    """
    room_sid, job_id = session.room_sid or "", _text(report.get("job_id"))
    if not job_id or report.get("room_id") != room_sid:
        job_id = (session.agent_identity or "").removeprefix(AGENT_PREFIX)
    if not room_sid or not job_id:
        room_sid, job_id = "", session.id.value
    hidden = ("items", "chat_history", "events", "audio_recording_path")
    summary = {key: value for key, value in report.items() if key not in hidden}
    return ReportHeader(room_sid=room_sid, job_id=job_id, summary=summary)


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= LONGEST_ID else ""


async def _items(report: Mapping[str, Any]) -> list[TranscriptItem]:
    history = report.get("chat_history")
    of_history = history.get("items") if isinstance(history, Mapping) else None
    found = [*_list(of_history), *_list(report.get("items"))]
    return await asyncio.to_thread(items_of, found) if found else []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
