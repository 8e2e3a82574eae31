"""Nothing acknowledged is lost, no room has two agents, and the ledger ends up true."""

from __future__ import annotations

import pytest

from tests.faults.run import Plan, run


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("storage", "replicas"), [("sqlite", 1), ("postgresql", 2)])
async def test_two_thousand_calls_through_every_fault(storage: str, replicas: int) -> None:
    outcome = await run(Plan(storage=storage, replicas=replicas, calls=2000))
    assert outcome.problems == []
    # Or it would have proved nothing:
    assert outcome.kills >= 5
    assert outcome.lost > 0.1 * outcome.events
    assert outcome.repeats > 0.02 * outcome.events
    assert outcome.known > 1000
    assert outcome.served > 500
    assert outcome.live > 40
