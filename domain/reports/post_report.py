"""Take a report, or items of one, that a worker posts for a session by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import attrs

from domain.access.access import Access
from domain.reports.choose_session import agent_of, job_of
from domain.reports.decide_report import NewReport
from domain.reports.header import MOST_POSTED_ITEMS, ReportHeader, ReportReader
from domain.reports.keep_report import KeepReport
from domain.reports.one_report import stand_in
from domain.reports.report import Part, Report
from domain.sessions.session import Session
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import LONGEST_ID, SessionId
from domain.shared.look_up import look_up
from domain.shared.report_errors import ReportTooLarge
from domain.shared.storable_text import storable
from domain.transcripts.item import TranscriptItem
from domain.transcripts.read_chat_history import items_of

_HIDDEN: Final = frozenset({"items", "chat_history", "events", "audio_recording_path"})


@attrs.frozen(kw_only=True)
class PostedReport:
    """A body that has been read. ``members`` are those beside its ``items``.

    ``is_final``: it has a ``chat_history`` or ``usage``, so nothing follows.
    """

    members: Mapping[str, Any]
    items: Sequence[TranscriptItem]
    is_final: bool


@attrs.frozen(kw_only=True)
class PostReportCommand:
    """What came for which session, and what its caller may do."""

    session_id: str
    report: PostedReport
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

    async def read(self, body: bytes) -> PostedReport:
        """Read ``ctx.make_session_report().to_dict()`` as JSON, or an object with ``items``.

        Raises ``InvalidReport``, ``ReportTooLarge``, and ``InvalidInput`` if ``items`` is no list.
        A large body takes up to a second of a processor: read one at a time.
        """
        report = await self.reader.posted(body)
        if not isinstance(report.get("items", []), list):
            raise InvalidInput("items must be a list.", field="items", example=[])
        return PostedReport(
            members={key: value for key, value in report.items() if key not in _HIDDEN},
            items=await _items(report),
            is_final="chat_history" in report or "usage" in report,
        )

    async def __call__(self, command: PostReportCommand) -> Posted:
        """Return once it is durable; the same again changes nothing.

        An item with an id that is known replaces that one. Raises ``NotFound`` and
        ``StorageUnavailable``.
        """
        report = command.report
        async with self.keep_report.unit_of_work() as work:
            find = partial(work.sessions.get, access=command.access)
            session = await look_up(
                command.session_id,
                SessionId,
                find,
                missing="There is no session with this id.",
                field="sessionId",
            )
            header = _header(session, report.members)
            earlier = await work.reports.of_job(header.room_sid, header.job_id)
        if earlier is not None and earlier.meant_for not in (None, session.id):
            room_sid, job_id = stand_in(session)  # it named a job of another's
            header = attrs.evolve(header, room_sid=room_sid, job_id=job_id)
        kept = await self.keep_report(
            NewReport(
                header=header,
                items=report.items,
                transcript=Part.KEPT if report.items else Part.ABSENT,
                session=session,
                is_final=report.is_final,
            )
        )
        return Posted(report=kept.report, items=len(report.items))


def _header(session: Session, report: Mapping[str, Any]) -> ReportHeader:
    """Return the header of the report that the worker's upload will have, too, where possible.

    A caller says whose job it is for the session's own room instance only.
    """
    room_sid, job_id = session.room_sid or "", _text(report.get("job_id"))
    claimed, room_claimed = job_id, _text(report.get("room_id"))
    if claimed and agent_of(claimed) in session.agents:
        room_sid = room_claimed or room_sid  # whose room may have been another instance
    elif not claimed or room_claimed != room_sid:
        job_id = job_of(session.agents[-1]) if session.agents else ""
    if not room_sid or not job_id:
        room_sid, job_id = stand_in(session, claimed)
    return ReportHeader(room_sid=room_sid, job_id=job_id, summary=report)


def _text(value: object) -> str:
    return storable(value) if isinstance(value, str) and len(value) <= LONGEST_ID else ""


async def _items(report: Mapping[str, Any]) -> list[TranscriptItem]:
    history = report.get("chat_history")
    of_history = history.get("items") if isinstance(history, Mapping) else None
    found = [*_list(of_history), *_list(report.get("items"))]
    if len(found) > MOST_POSTED_ITEMS:
        raise ReportTooLarge(
            f"The report has more than {MOST_POSTED_ITEMS} items. Send fewer at a time "
            "or let the worker upload it.",
            limitItems=MOST_POSTED_ITEMS,
        )
    return await asyncio.to_thread(items_of, found) if found else []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
