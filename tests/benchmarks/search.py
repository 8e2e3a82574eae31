"""Searching transcripts: SQLite's FTS5 and PostgreSQL's full text."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import uuid_utils

from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, WORK, Access
from domain.agents.agent_config import AgentConfig
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import Identity, ReportId, RoomName, SessionId
from domain.shared.pagination import DEFAULT_LIMIT
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem
from domain.transcripts.repository import TranscriptSearch
from domain.transcripts.search_query import SearchQuery
from domain.transcripts.search_transcripts import SearchTranscripts
from tests.benchmarks.big_ledger import analyze
from tests.benchmarks.report import Report, Spread
from tests.databases import running_postgres

TRANSCRIPTS: Final = int(os.environ.get("BENCH_TRANSCRIPTS", "100000"))
ITEMS: Final = 6
ROUNDS: Final = 15
TOGETHER: Final = 500
BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE: Final = timedelta(minutes=10)

_WORDS: Final = [f"word{number}" for number in range(5000)]
_SHARES: Final = [1 / (rank + 1) for rank in range(len(_WORDS))]


def _access(tenant: str) -> Access:
    return Access(tenant=tenant, scopes=WORK, sees_unowned=False)


BIG, SMALL = _access("big"), _access("small")
QUERIES: Final[Sequence[tuple[str, str, Access]]] = (
    ("in every transcript, operator", "hello", SYSTEM),
    ("in every transcript, large tenant", "hello", BIG),
    ("in every transcript, small tenant", "hello", SMALL),
    ("in one transcript", "needle77", BIG),
    ("in no transcript", "haystack", BIG),
    ("in 1 of 100 transcripts", "percent", BIG),
    ("two common words", "word0 word1", BIG),
    ("a common and a rare word", "hello needle77", BIG),
    ("two words that are never in one item", "even odd", BIG),
    ("the same, small tenant", "even odd", SMALL),
    ("a phrase", '"word0 word1"', BIG),
    ("a phrase that is in none", '"odd even"', BIG),
    ("a beginning of 1000 words", "word1*", BIG),
    ("a beginning of all words", "wor*", BIG),
    ("a beginning of all words, small tenant", "wor*", SMALL),
)


def _tenant(number: int) -> str | None:
    if number % 1000 == 0:
        return "small"
    return None if number % 10 == 0 else "big"


def _session(number: int) -> Session:
    began = BEGUN + timedelta(seconds=20 * number)
    return Session(
        id=SessionId(str(uuid_utils.uuid7())),
        room_name=RoomName(f"room-{number}"),
        identity=Identity("user-1"),
        agent_name="agent",
        agent_config=AgentConfig.parse(None),
        created_at=began,
        tenant=_tenant(number),
    ).ended(EndReason.ROOM_FINISHED, began + timedelta(seconds=60))


def _items(number: int, session: Session, chance: random.Random) -> Iterator[TranscriptItem]:
    for place in range(ITEMS):
        words = chance.choices(_WORDS, _SHARES, k=12)
        if place == 0:
            words[0] = "hello"
        words[1] = "odd" if place % 2 else "even"
        if place == 1 and number % 100 == 1:
            words[0] = "percent"
        if place == 2 and number == TRANSCRIPTS // 2 + 1:
            words[0] = "needle77"
        yield TranscriptItem(
            id=f"item_{place}",
            type="message",
            position=place,
            role="user" if place % 2 else "assistant",
            text=" ".join(words),
            created_at=session.created_at + timedelta(seconds=place),
        )


async def _fill(storage: SqlStorage) -> float:
    """Keep the transcripts; return how many seconds it took."""
    chance, began = random.Random(1), time.perf_counter()
    for first in range(0, TRANSCRIPTS, TOGETHER):
        sessions = [_session(number) for number in range(first, first + TOGETHER)]
        async with storage.unit_of_work() as work:
            for session in sessions:
                await work.sessions.add(session)
            await work.commit()
            for number, session in enumerate(sessions, start=first):
                await work.transcripts.keep(_reported(session), [*_items(number, session, chance)])
            await work.commit()
    return time.perf_counter() - began


def _reported(session: Session) -> Reported:
    report_id = ReportId(str(uuid_utils.uuid7()))
    return Reported(report_id=report_id, session_id=session.id, tenant=session.tenant)


async def _search(storage: SqlStorage) -> Mapping[str, tuple[int, Spread]]:
    search = SearchTranscripts(storage.transcripts)
    found: dict[str, tuple[int, Spread]] = {}
    for name, words, access in QUERIES:
        wanted, times, number = TranscriptSearch(query=SearchQuery.parse(words)), [], 0
        for _ in range(ROUNDS):
            began = time.perf_counter()
            number = len((await search(wanted, access, limit=DEFAULT_LIMIT)).results)
            times.append((time.perf_counter() - began) * 1000)
        found[name] = number, Spread.of(times)
    return found


async def _measure(url: str, name: str, report: Report) -> None:
    await migrate(url)
    async with SqlStorage(url, PATIENCE) as storage:
        filled = await _fill(storage)
        if not storage.database.embedded:  # as PostgreSQL does by itself
            await analyze(storage)
        report.section(
            f"Search in {TRANSCRIPTS:,} transcripts of {ITEMS} items on {name}",
            ("search", "results", "ms (median, range)"),
            f"Kept in {filled:.0f} s.",
        )
        for search, (number, spread) in (await _search(storage)).items():
            report.row([search, number, spread.text(1)])


def measure(report: Report, folder: Path) -> None:
    """Measure on both databases."""
    sqlite = f"sqlite+aiosqlite:///{folder}/search.db"
    asyncio.run(_measure(sqlite, "SQLite", report))
    with running_postgres() as postgres:
        asyncio.run(_measure(postgres.empty_database(), "PostgreSQL", report))
