"""What the indexes of the lists cost a write: the same writes with an older schema's."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.sqlalchemy.schema.migrations import SCHEMA_VERSION, downgrade, upgrade
from adapters.sqlalchemy.storage import SqlStorage
from domain.calls.apply_fact import apply
from domain.calls.call_facts import ParticipantLeft, ParticipantSeen
from domain.rooms.sip_leg import LegStatus
from domain.sessions.session_status import EndReason
from domain.shared.timeline import Source
from tests.benchmarks.report import Report, Spread
from tests.contract.storage.ledgers import NOON, new_call, new_session

ROUNDS: Final = 3
UNITS: Final = 40
"""In each round; the least of their times counts, which other work on the machine adds least to."""
ROWS: Final = 50
"""In each unit, which is one transaction."""
BEFORE: Final = "0007"
"""Without the lists' indexes."""

Write = Callable[[SqlStorage, str | None], Awaitable[None]]


async def _sessions(storage: SqlStorage, tenant: str | None) -> None:
    async with storage.unit_of_work() as work:
        for _ in range(ROWS):
            session = new_session(tenant=tenant)
            await work.sessions.add(session)
            await work.sessions.save(session.ended(EndReason.ROOM_FINISHED, NOON))
        await work.commit()


async def _calls(storage: SqlStorage, tenant: str | None) -> None:
    async with storage.unit_of_work() as work:
        for number in range(ROWS):
            call = new_call(
                tenant=tenant, from_number=f"+1510{number:07}", to_number="+15105550100"
            )
            await work.calls.add(call)
            call = await work.calls.save(
                apply(call, ParticipantSeen(LegStatus.RINGING, NOON, Source.WEBHOOK))
            )
            call = await work.calls.save(
                apply(call, ParticipantSeen(LegStatus.ACTIVE, NOON, Source.WEBHOOK))
            )
            await work.calls.save(apply(call, ParticipantLeft(NOON, Source.WEBHOOK)))
        await work.commit()


WRITES: Final[dict[str, tuple[Write, str | None]]] = {
    "a session, begun and ended, of no tenant": (_sessions, None),
    "a session, begun and ended, of a tenant": (_sessions, "acme"),
    "a call, from ringing to its end, of no tenant": (_calls, None),
    "a call, from ringing to its end, of a tenant": (_calls, "acme"),
}


async def measure(
    report: Report, name: str, storage: SqlStorage, before_version: str = BEFORE
) -> None:
    """Each write with the indexes of either version in turn."""
    heads = ["write", f"{before_version}: ms", f"{SCHEMA_VERSION}: ms", "ratio"]
    report.section(f"What the lists' indexes cost a write, {name}", heads)
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        await downgrade(storage.database, before_version)
        await _round(storage, before_version, found)
        await upgrade(storage.database)
        await _round(storage, SCHEMA_VERSION, found)
    for write in WRITES:
        before, now = (found[write, version] for version in (before_version, SCHEMA_VERSION))
        ratio = min(now) / min(before)
        report.row(
            [write, Spread.of(before).text(2), Spread.of(now).text(2), f"{ratio:.2f}"],
            write=write, database=name, ratio=ratio,
        )  # fmt: skip


async def _round(
    storage: SqlStorage, version: str, found: dict[tuple[str, str], list[float]]
) -> None:
    for name, (write, tenant) in WRITES.items():
        times = []
        for _ in range(UNITS):
            began = time.perf_counter()
            await write(storage, tenant)
            times.append((time.perf_counter() - began) * 1000 / ROWS)
        found.setdefault((name, version), []).append(min(times))
