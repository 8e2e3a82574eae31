"""How long statistics take over many sessions, and what they hold up meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import text

from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.statistics.statistics import Dimension, StatisticsQuery
from domain.usage.model_usage import COUNTERS
from tests.benchmarks.big_ledger import BEGUN, analyze, fill
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.servers import both_databases
from tests.contract.storage.ledgers import new_session

SESSIONS: Final = 100_000
TURNS: Final = 5
"""Of each session."""
ROUNDS: Final = 5
RANGE: Final = StatisticsQuery(since=BEGUN, until=BEGUN + timedelta(days=30))
PATIENCE: Final = timedelta(minutes=10)
WAYS: Final[Sequence[Sequence[Dimension]]] = (
    (),
    (Dimension.DAY,),
    (Dimension.DAY, Dimension.AGENT),
    (Dimension.DAY, Dimension.AGENT, Dimension.TENANT),
)

# The sessions are a second apart, and then as far as makes a month.
_SQLITE: Final = (
    "strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', '+' || ("
    "(julianday(created_at) - julianday('2026-01-01')) * 86400 * 25 + {plus}) || ' seconds')",
    "abs(random() % 1000) / 1000.0",
)
_POSTGRES: Final = (
    "timestamptz '2026-01-01 00:00:00+00' + ({plus}) * interval '1 second'"
    " + 25 * (created_at - timestamptz '2026-01-01 00:00:00+00')",
    "random()",
)
_MODELS: Final = (
    ("llm", "openai", "gpt-4o-mini", {"input_tokens", "cached_input_tokens", "output_tokens"}),
    ("stt", "deepgram", "nova-3", {"audio_ms"}),
    ("tts", "cartesia", "sonic-2", {"characters", "audio_ms"}),
)


async def spread(storage: SqlStorage) -> None:
    """Spread what :func:`fill` stored over a month; give each session an agent, usage and turns."""
    moved, part = _SQLITE if storage.database.embedded else _POSTGRES
    counters = ", ".join(COUNTERS)
    created, joined = moved.format(plus=0), moved.format(plus=part)
    ended = moved.format(plus=f"1 + 600 * {part}")
    statements = [
        f"UPDATE sessions SET dispatched_at = {created}, active_at = {joined},"
        f" agent_joined_at = {joined}, ended_at = {ended}, created_at = {created}",
        f"UPDATE calls SET seen_active_at = {joined}, session_id = id,"
        f" ended_at = {ended}, created_at = {created}",
        "INSERT INTO usage_reports SELECT id, id, id, tenant, created_at FROM sessions",
        *(
            f"INSERT INTO usage (report_id, kind, provider, model, {counters}, others)"
            f" SELECT id, '{kind}', '{provider}', '{model}', {_numbers(used)}, '{{}}'"
            " FROM sessions"
            for kind, provider, model, used in _MODELS
        ),
        *(
            "INSERT INTO turn_latencies (report_id, item_id, end_to_end_ms)"
            f" SELECT id, 'item_{number}', CAST(200 + 2000 * {part} AS INTEGER) FROM sessions"
            for number in range(TURNS)
        ),
    ]
    async with storage.database.writer.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


def _numbers(used: Collection[str]) -> str:
    return ", ".join("1000" if name in used else "0" for name in COUNTERS)


async def _longest_write(storage: SqlStorage, stop: asyncio.Event) -> float:
    """Return how long the slowest write took meanwhile, in milliseconds."""
    slowest = 0.0
    while not stop.is_set():
        began = time.perf_counter()
        async with storage.unit_of_work() as work:
            await work.sessions.add(new_session())
            await work.commit()
        slowest = max(slowest, time.perf_counter() - began)
        await asyncio.sleep(0.01)
    return slowest * 1000


async def _measure(report: Report, name: str, storage: SqlStorage) -> None:
    heads = ["grouped by", "groups", "ms", "slowest write meanwhile, ms"]
    about = f"{SESSIONS:,} sessions and calls in a month, {TURNS} turns and 3 models each."
    report.section(f"Statistics, {name}", heads, about)
    for by in WAYS:
        query = StatisticsQuery(since=RANGE.since, until=RANGE.until, by=by)
        times, groups, stop = list[float](), 0, asyncio.Event()
        writing = asyncio.create_task(_longest_write(storage, stop))
        for _ in range(ROUNDS):
            began = time.perf_counter()
            groups = len(await storage.statistics.read(query, SYSTEM))
            times.append((time.perf_counter() - began) * 1000)
        stop.set()
        slowest = await writing
        ways = ", ".join(by) or "nothing"
        report.row(
            [ways, groups, Spread.of(times).text(0), f"{slowest:.0f}"],
            by=ways, database=name, milliseconds=min(times), slowest_write=slowest,
        )  # fmt: skip


def measure(report: Report, folder: Path) -> None:
    """Both databases in turn."""
    for name, url in both_databases(folder, "statistics"):
        asyncio.run(_of_database(report, name, url))


async def _of_database(report: Report, name: str, url: str) -> None:
    await migrate(url)
    async with SqlStorage(url, PATIENCE) as storage:
        await fill(storage, SESSIONS)
        await spread(storage)
        if not storage.database.embedded:  # as PostgreSQL does by itself
            await analyze(storage)
        await _measure(report, name, storage)
