"""Find the session and the call that a report belongs to."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from domain.access.access import SYSTEM
from domain.calls.repository import CallWork
from domain.reports.choose_session import agent_of, choose_session, is_meant
from domain.reports.header import job_times
from domain.reports.report import Report
from domain.sessions.session import Session
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import CallId, RoomName

_BY_NAME_AFTER: Final = timedelta(minutes=1)
"""Until then the ledger may still learn the room instance, which distinguishes sessions."""


async def find_session(work: CallWork, report: Report, now: datetime) -> Session | None:
    """Return the session that ``report`` is about; None while the ledger does not know it."""
    if report.meant_for is not None:
        return await work.sessions.get(report.meant_for, SYSTEM)
    summary = json.loads(report.summary or "{}")
    began, made_at = job_times(summary, report.received_at)
    candidates = await work.sessions.in_instance(report.room_sid, SYSTEM)
    found = choose_session(candidates, report.job_id, made_at)
    if found is not None:
        return found
    with suppress(InvalidInput):  # a name that no room has
        newest = await work.sessions.newest_in(RoomName(report.room_name), SYSTEM)
        if newest is None:
            return None
        if agent_of(report.job_id) in newest.agents:  # its room was made anew since
            return newest
        is_old = now - report.received_at >= _BY_NAME_AFTER
        if is_old and is_meant(newest, began, made_at):
            return newest
    return None


async def call_of(work: CallWork, session: Session) -> CallId | None:
    """Return the call that the session serves."""
    if session.phone is not None:
        return session.phone.call_id
    newest = await work.calls.newest_in(session.room_name, SYSTEM)
    if newest is not None and newest.session_id == session.id:
        return newest.id
    return None
