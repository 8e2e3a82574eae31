"""What every filter of a list, and every pair of filters, costs beside the list without one."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self

import attrs

from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, WORK, Access
from domain.calls.call import CallStatus
from domain.calls.repository import CallFilter
from domain.rooms.sip_leg import Direction
from domain.sessions.repository import SessionFilter
from domain.sessions.session_status import SessionStatus
from domain.shared.pagination import Span
from tests.benchmarks import list_writes
from tests.benchmarks.big_ledger import BEGUN, OLDEST, OURS, analyze, fill
from tests.benchmarks.report import Report
from tests.benchmarks.servers import both_databases

ROWS: Final = 1_000_000
ROUNDS: Final = 8
MORE_ROUNDS: Final = 40
SUSPECTS: Final = 3
PATIENCE: Final = timedelta(minutes=30)
"""A million rows are stored by one statement."""
LIMIT: Final = 51
"""As a page of 50 asks for."""

Filter = CallFilter | SessionFilter
Values = Mapping[str, Sequence[Any]]


def _access_of(tenant: str, *, sees_unowned: bool = False) -> Access:
    return Access(tenant=tenant, scopes=WORK, sees_unowned=sees_unowned)


def filters_of(rows: int) -> Mapping[type[Filter], Values]:
    """Values of each filter: in many rows, in the oldest row only, and in none."""
    middle = BEGUN + timedelta(seconds=rows // 2)
    both: Values = {
        "room_name": ["lobby", "room-2", "none"],
        "created": [
            Span(since=BEGUN, until=middle),
            Span(since=middle),
            Span(until=BEGUN + timedelta(seconds=1)),
            Span(until=BEGUN),
        ],
        "access": [
            *(_access_of(tenant) for tenant in ("acme", "beta", OLDEST, "none")),
            *(_access_of(tenant, sees_unowned=True) for tenant in ("acme", OLDEST, "none")),
        ],
    }
    numbers = [OURS, "+15102", OLDEST, "none"]
    return {
        SessionFilter: {
            "status": list(SessionStatus),
            "identity": ["everybody", "user-3", OLDEST, "none"],
            **both,
        },
        CallFilter: {
            "status": list(CallStatus),
            "direction": list(Direction),
            "from_number": numbers,
            "to_number": numbers,
            **both,
        },
    }


@attrs.frozen
class Wanted:
    """A filter, and whose records are visible."""

    filter: Filter
    access: Access = SYSTEM

    @classmethod
    def of(cls, kind: type[Filter], values: Mapping[str, Any]) -> Self:
        """Make one of its values by their names."""
        access = values.get("access", SYSTEM)
        return cls(kind(**{name: one for name, one in values.items() if name != "access"}), access)


def combinations(kind: type[Filter], values: Values) -> Iterator[tuple[str, list[Wanted]]]:
    """Each filter and each pair of filters, with every combination of their values."""
    for number in (1, 2):
        for names in itertools.combinations(values, number):
            choices = itertools.product(*(values[name] for name in names))
            chosen = [Wanted.of(kind, dict(zip(names, choice, strict=True))) for choice in choices]
            yield " + ".join(names), chosen


@attrs.frozen
class Comparison:
    """How many milliseconds a list takes with a filter and without."""

    wanted: Wanted
    took: float
    without: float

    @property
    def ratio(self) -> float:
        return self.took / self.without


Page = Callable[[Wanted], Awaitable[Sequence[object]]]


def pages(storage: SqlStorage) -> Mapping[type[Filter], Page]:
    """The first page of each list."""
    work = storage.unit_of_work()

    async def sessions(wanted: Wanted) -> Sequence[object]:
        assert isinstance(wanted.filter, SessionFilter)
        return await work.sessions.page(wanted.filter, None, LIMIT, wanted.access)

    async def calls(wanted: Wanted) -> Sequence[object]:
        assert isinstance(wanted.filter, CallFilter)
        return await work.calls.page(wanted.filter, None, LIMIT, wanted.access)

    return {SessionFilter: sessions, CallFilter: calls}


async def milliseconds(request: Awaitable[object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    await request
    return (time.perf_counter() - began) * 1000


async def _compare(page: Page, wanted: Wanted, rounds: int) -> Comparison:
    """The list without the filter and with it, in turn."""
    plain = Wanted(type(wanted.filter)())
    times = [
        (await milliseconds(page(plain)), await milliseconds(page(wanted)))
        for _ in range(rounds + 1)
    ][1:]
    # The least: what else the machine does can only add to it.
    without, took = (min(one) for one in zip(*times, strict=True))
    return Comparison(wanted, took, without)


async def _worst(page: Page, chosen: Sequence[Wanted]) -> Comparison:
    """The filter with the greatest ratio: those that look the worst are compared once more."""
    found = [await _compare(page, wanted, ROUNDS) for wanted in chosen]
    suspects = heapq.nlargest(SUSPECTS, found, key=lambda one: one.ratio)
    again = [await _compare(page, one.wanted, MORE_ROUNDS) for one in suspects]
    return max(again, key=lambda one: one.ratio)


async def _measure(report: Report, name: str, storage: SqlStorage, rows: int) -> None:
    by_kind = pages(storage)
    for kind, values in filters_of(rows).items():
        title = f"Lists of {'sessions' if kind is SessionFilter else 'calls'}, {name}"
        heads = ["filters", "ms", "without, ms", "ratio", "rows found", "worst with"]
        report.section(title, heads, f"{rows:,} stored; the values with the worst ratio.")
        for names, chosen in combinations(kind, values):
            one = await _worst(by_kind[kind], chosen)
            number = len(await by_kind[kind](one.wanted))
            shown = ", ".join(str(_shown(one.wanted, each)) for each in names.split(" + "))
            report.row(
                [names, f"{one.took:.2f}", f"{one.without:.2f}", f"{one.ratio:.2f}", number, shown],
                filters=names, database=name, ratio=one.ratio, milliseconds=one.took,
            )  # fmt: skip


def _shown(wanted: Wanted, name: str) -> object:
    if name == "access":
        return wanted.access.tenants
    value = getattr(wanted.filter, name)
    if isinstance(value, Span):
        return f"{value.since or ''}..{value.until or ''}"
    return value


def measure(report: Report, folder: Path, rows: int = ROWS) -> None:
    """Both databases in turn."""
    for name, url in both_databases(folder, "lists"):
        asyncio.run(_of_database(report, name, url, rows))


async def _of_database(report: Report, name: str, url: str, rows: int) -> None:
    await migrate(url)
    async with SqlStorage(url, PATIENCE) as storage:
        await fill(storage, rows)
        if not storage.database.embedded:  # as PostgreSQL does by itself
            await analyze(storage)
        await _measure(report, name, storage, rows)
        await list_writes.measure(report, name, storage)
