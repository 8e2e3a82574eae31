"""What workers are answered, and what they may post."""

from __future__ import annotations

from typing import Final

import msgspec

from domain.reports.post_report import Posted
from domain.reports.report import Part, Report
from entrypoints.presenters.fields import Uuid

MAX_POSTED_BYTES: Final = 8 * 1024 * 1024


class ReceivedResponse(msgspec.Struct, rename="camel"):
    """The report is stored. `matched`: its session is known; if not, it is matched later."""

    report_id: Uuid
    matched: bool
    transcript: Part
    audio: Part


class PostedResponse(msgspec.Struct, rename="camel"):
    """The report is stored; `items` is how many items came. `complete`: its final part has come."""

    report_id: Uuid
    items: int
    complete: bool


def received_response(report: Report) -> ReceivedResponse:
    """Return what the worker is answered."""
    return ReceivedResponse(
        report_id=str(report.id),
        matched=report.session_id is not None,
        transcript=report.transcript,
        audio=report.audio,
    )


def posted_response(posted: Posted) -> PostedResponse:
    """Return what the worker is answered."""
    report = posted.report
    return PostedResponse(report_id=str(report.id), items=posted.items, complete=report.is_complete)
