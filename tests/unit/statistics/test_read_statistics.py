"""The range and the groups of statistics, and their costs."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import attrs
import pytest

from domain.access.access import SYSTEM, Access
from domain.shared.errors import Forbidden, InvalidInput
from domain.statistics.read_statistics import ReadStatistics, Statistics
from domain.statistics.statistics import (
    MOST_GROUPS,
    Dimension,
    GroupKey,
    GroupStatistics,
    StatisticsQuery,
    UsageOfPeriod,
)
from domain.usage.model_usage import ModelUsage
from domain.usage.price_table import PriceTable
from domain.usage.prices import Price, Rates
from entrypoints.presenters.statistics import csv_text, statistics_response
from tests.contract.storage.ledgers import access_of
from tests.unit.worlds.fakes import FakeClock

NOW = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)
USED = ModelUsage(kind="llm", provider="openai", model="gpt", input_tokens=1_000_000)
PRICES = PriceTable(
    name="test",
    currency="USD",
    prices=[
        Price(model="*", rates=Rates(input=Decimal(1)), until=date(2026, 3, 10)),
        Price(model="*", rates=Rates(input=Decimal(2)), since=date(2026, 3, 10)),
    ],
)


@attrs.define
class Ledger:
    """Returns these groups, and keeps what it was asked for."""

    groups: list[GroupStatistics] = attrs.field(factory=list)
    asked: StatisticsQuery | None = None

    async def read(self, query: StatisticsQuery, access: Access) -> list[GroupStatistics]:  # noqa: ARG002
        self.asked = query
        return self.groups


def reading(ledger: Ledger, prices: PriceTable | None = None) -> ReadStatistics:
    clock = FakeClock()
    clock.step(NOW - clock.now())
    return ReadStatistics(statistics=ledger, prices=prices, clock=clock)


async def test_without_a_range_it_is_the_last_thirty_days_with_today() -> None:
    ledger = Ledger()
    read = reading(ledger)

    found = await read(SYSTEM)
    assert (found.since, found.until) == (MIDNIGHT - 30 * DAY, MIDNIGHT)
    assert ledger.asked is not None
    assert (ledger.asked.since, ledger.asked.until) == (found.since, found.until)
    early = NOW - 40 * DAY
    assert (await read(SYSTEM, early)).until == MIDNIGHT
    later = NOW + 40 * DAY
    assert (await read(SYSTEM, later)).until == later + DAY
    assert (await read(SYSTEM, until=early)).since == early - 30 * DAY


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        (NOW, NOW, "to"),
        (NOW, NOW - DAY, "to"),
        (NOW - 367 * DAY, NOW, "from"),
        (NOW.replace(year=1999), None, "from"),
        (None, NOW.replace(year=9999), "to"),
    ],
)
async def test_a_range_that_is_none_or_too_long_is_refused(
    since: datetime | None, until: datetime | None, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await reading(Ledger())(SYSTEM, since, until)
    assert refused.value.details["field"] == field


async def test_only_the_operator_groups_by_tenant() -> None:
    await reading(Ledger())(SYSTEM, by=[Dimension.TENANT])
    with pytest.raises(Forbidden):
        await reading(Ledger())(access_of("ann"), by=[Dimension.DAY, Dimension.TENANT])


async def test_days_without_anything_are_groups_and_other_empty_groups_are_not() -> None:
    since, until = NOW - 2 * DAY, MIDNIGHT - DAY
    busy = GroupStatistics(key=GroupKey(day="2026-03-30"), sessions=1)

    async def groups(*by: Dimension) -> list[tuple[str, int]]:
        found = await reading(Ledger([busy] if by else []))(SYSTEM, since, until, by)
        return [(group.key.day, group.sessions) for group in found.groups]

    assert await groups() == [("", 0)]
    assert await groups(Dimension.DAY) == [("2026-03-29", 0), ("2026-03-30", 1)]
    assert await groups(Dimension.DAY, Dimension.AGENT) == [("2026-03-30", 1)]


async def test_more_groups_than_an_answer_has_are_refused() -> None:
    groups = [
        GroupStatistics(key=GroupKey(agent_name=f"a{number:05}"), sessions=1)
        for number in range(MOST_GROUPS + 1)
    ]
    by = [Dimension.DAY, Dimension.AGENT]

    assert len((await reading(Ledger(groups[1:]))(SYSTEM, by=by)).groups) == MOST_GROUPS
    with pytest.raises(InvalidInput, match="shorter range"):
        await reading(Ledger(groups))(SYSTEM, by=by)


async def test_each_period_s_usage_has_its_own_price() -> None:
    used = [UsageOfPeriod(period=period, usage=USED) for period in (0, 1)]
    ledger = Ledger([GroupStatistics(key=GroupKey(), usage=used)])
    (group,) = (await reading(ledger, PRICES)(SYSTEM)).groups

    assert ledger.asked is not None
    assert ledger.asked.breaks == [date(2026, 3, 10)]
    assert group.cost is not None
    assert group.cost.amount == 3
    (without,) = (await reading(ledger)(SYSTEM)).groups
    assert without.cost is None
    assert without.tokens("input_tokens") == 2_000_000


def test_a_rate_of_nothing_is_none() -> None:
    assert GroupStatistics(key=GroupKey()).answer_rate is None
    calls = GroupStatistics(key=GroupKey(), inbound_calls=2, outbound_calls=1, answered_calls=2)
    assert (calls.calls, calls.answer_rate) == (3, 2 / 3)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])  # noqa: RUF001
def test_no_cell_of_a_table_is_a_formula(name: str) -> None:
    group = GroupStatistics(key=GroupKey(agent_name=name, tenant='a "b", c'))
    by = [Dimension.TENANT, Dimension.AGENT]
    found = Statistics(since=NOW, until=MIDNIGHT, groups=[group])

    header, row = list(
        csv.reader(io.StringIO(csv_text(statistics_response(found, by)), newline=""))
    )

    assert header[:3] == ["agentName", "agentId", "tenant"]
    assert row[:3] == [f"'{name}", "", 'a "b", c']
    assert len(row) == len(header)
    assert not [cell for cell in row if cell[:1] in "=+-@\t\r" and cell]
