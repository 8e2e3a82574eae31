"""What readiness says of deliveries to webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from domain.operations.check_readiness import CheckReadiness
from domain.operations.delivery_warnings import WAITS_FOR_LONG, DeliveryWarnings
from domain.operations.ledger_stats import LedgerStats
from domain.shared.errors import StorageUnavailable
from tests.unit.worlds.fakes import NOON, FakeClock

NOTHING = LedgerStats(
    live_sessions=0,
    live_calls=0,
    pending_events=0,
    pending_since=None,
    dead_events=0,
    pending_deliveries=0,
    deliveries_since=None,
    failed_deliveries=0,
)


@attrs.frozen
class Stats:
    """Statistics that a test makes; None if the ledger cannot be read."""

    found: LedgerStats | None

    async def ledger_stats(self) -> LedgerStats:
        if self.found is None:
            raise StorageUnavailable("The database cannot be reached.")
        return self.found


async def warnings(**changes: Any) -> list[str]:
    stats = Stats(attrs.evolve(NOTHING, **changes))
    readiness = await CheckReadiness(
        {}, delivery_warnings=DeliveryWarnings(stats=stats, clock=FakeClock())
    )()
    return [*readiness.warnings]


@pytest.mark.parametrize("since", [None, NOON, NOON - WAITS_FOR_LONG])
async def test_nothing_is_said_while_deliveries_go_on(since: Any) -> None:
    assert await warnings(deliveries_since=since, pending_deliveries=3) == []


async def test_a_backlog_is_a_warning() -> None:
    since = NOON - WAITS_FOR_LONG - timedelta(seconds=1)

    (warning,) = await warnings(deliveries_since=since, pending_deliveries=3)

    assert "waited for more than 15 minutes" in warning


async def test_deliveries_that_were_set_aside_are_a_warning() -> None:
    (warning,) = await warnings(failed_deliveries=7)

    assert "set aside" in warning
    assert "7" not in warning  # readiness is public


async def test_a_ledger_that_cannot_be_read_is_the_probe_s_to_tell() -> None:
    warn = DeliveryWarnings(stats=Stats(None), clock=FakeClock())

    assert await warn() == []
