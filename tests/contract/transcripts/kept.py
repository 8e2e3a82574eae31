"""Keeping items in ledgers, and looking for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import uuid_utils

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, Access
from domain.sessions.session import Session
from domain.shared.identifiers import ReportId, SessionId
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem
from domain.transcripts.repository import TranscriptSearch
from domain.transcripts.search_query import SearchQuery
from tests.contract.storage.ledgers import NOON, new_session

SECOND = timedelta(seconds=1)
Ledger = MemoryStorage | SqlStorage
LONG_HENCE = datetime.now(UTC) + timedelta(days=9)


def said(text: str, second: float = 0, **changes: Any) -> TranscriptItem:
    """A message that was said so many seconds after noon."""
    values: dict[str, Any] = {
        "id": f"item_{uuid_utils.uuid7()}",
        "type": "message",
        "role": "user",
        "position": 0,
        "text": text,
        "created_at": NOON + second * SECOND,
    }
    return TranscriptItem(**(values | changes))


def new_report(session: Session | None = None, **changes: Any) -> Reported:
    """A report of a session or, without one, of a session that is not known yet."""
    reported = Reported(report_id=ReportId(str(uuid_utils.uuid7())))
    if session is None:
        return attrs.evolve(reported, **changes)
    return attrs.evolve(reported, session_id=session.id, tenant=session.tenant, **changes)


async def session_in(ledger: Ledger, **changes: Any) -> Session:
    """A stored session."""
    session = new_session(**changes)
    async with ledger.unit_of_work() as work:
        await work.sessions.add(session)
        await work.commit()
    return session


async def keep(ledger: Ledger, reported: Reported, *items: TranscriptItem) -> int:
    async with ledger.unit_of_work() as work:
        kept = await work.transcripts.keep(reported, items)
        await work.commit()
    return kept


async def match(ledger: Ledger, reported: Reported) -> int:
    async with ledger.unit_of_work() as work:
        matched = await work.transcripts.match(reported)
        await work.commit()
    return matched


async def items_in(
    ledger: Ledger, session_id: SessionId, access: Access = SYSTEM
) -> list[TranscriptItem]:
    slices = ledger.transcripts.of_session(session_id, access)
    return [item async for items in slices for item in items]


async def texts_in(ledger: Ledger, session: Session) -> list[str | None]:
    return [item.text for item in await items_in(ledger, session.id)]


async def found(
    ledger: Ledger, query: str, access: Access = SYSTEM, **where: Any
) -> list[str | None]:
    """The texts that a search returns, page by page."""
    wanted = TranscriptSearch(query=SearchQuery.parse(query), **where)
    texts: list[str | None] = []
    after = None
    while page := await ledger.transcripts.search(wanted, after, 2, access):
        texts += [each.item.text for each in page]
        after = page[-1].position
    return texts
