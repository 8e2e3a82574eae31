"""Reading what a session or a call has used."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from domain.access.access import SYSTEM
from domain.shared.errors import NotFound
from domain.shared.identifiers import ReportId
from domain.shared.reported import Reported
from domain.usage.model_usage import ModelUsage
from domain.usage.price_table import PriceTable
from domain.usage.prices import Price, Rates
from domain.usage.read_usage import ReadUsage
from tests.contract.storage.ledgers import access_of, new_call, new_id, new_session

USED = ModelUsage(kind="llm", provider="openai", model="gpt-4o-mini", input_tokens=1_000_000)
PRICES = PriceTable(
    name="test",
    currency="USD",
    prices=[Price(model="*", rates=Rates(input=Decimal("0.15")))],
)


@pytest.mark.parametrize("prices", [None, PRICES])
async def test_a_session_s_usage_is_its_call_s(prices: PriceTable | None) -> None:
    ledger = MemoryStorage()
    session = new_session(tenant="ann")
    call = new_call(tenant="ann", session_id=session.id)
    others = [new_call(tenant="ann"), attrs.evolve(new_call(), tenant="ben", session_id=session.id)]
    async with ledger.unit_of_work() as work:
        await work.sessions.add(session)
        for each in (call, *others):
            await work.calls.add(each)
        report = Reported(report_id=ReportId(str(new_id())), session_id=session.id, tenant="ann")
        await work.usage.keep(report, [USED])
        await work.commit()
    read_usage = ReadUsage(ledger.unit_of_work, prices)

    found = await read_usage.by_session(str(session.id), SYSTEM)

    assert found.models == [USED]
    assert (found.cost and found.cost.minor) == (None if prices is None else 15)
    assert await read_usage.by_call(str(call.id), access_of("ann")) == found
    for other, tenant in zip(others, ("ann", "ben"), strict=True):
        nothing = await read_usage.by_call(str(other.id), access_of(tenant))
        assert nothing.models == []
        assert (nothing.cost and nothing.cost.amount) == (None if prices is None else 0)
    for missing in (str(new_id()), "x"):
        with pytest.raises(NotFound):
            await read_usage.by_session(missing, SYSTEM)
    with pytest.raises(NotFound):
        await read_usage.by_session(str(session.id), access_of("ben"))
    with pytest.raises(NotFound):
        await read_usage.by_call(str(call.id), access_of("ben"))
