"""Whatever goes wrong: acknowledged events are handled, one agent stays, the ledger is true.

Only here are replicas killed, PostgreSQL restarted and a backup restored in real time, under calls.
"""

from __future__ import annotations

import attrs
import pytest

from tests.faults.plan import Plan
from tests.faults.run import run
from tests.faults.verdict import unexcused

pytestmark = pytest.mark.slow


BUSY = ("too few to prove anything", "two agents in ")
"""How sentences begin that are true of a service which is being started again most of the time."""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("storage", "replicas"), [("sqlite", 1), ("postgresql", 2)])
async def test_some_calls_and_sessions_through_every_fault(storage: str, replicas: int) -> None:
    plan = Plan(
        storage=storage,
        replicas=replicas,
        calls=150,
        users=30,
        over=15,
        interval=1,
        slow_join_seconds=5,
        delay=1,
        list_lag=1,
        late_dispatch=0.02,  # of so few, or many a run has no two agents together
        # Other tests may need the machine's cores meanwhile.
        settles_within=120,
        least_served=0.02,
    )

    outcome = await run(plan)
    if outcome.problems and all(problem.startswith(BUSY) for problem in outcome.problems):
        # On a busy machine a start takes longer than what is left until the next kill.
        outcome = await run(attrs.evolve(plan, over=4 * plan.over, kill_every=4 * plan.kill_every))

    assert outcome.problems == []


@pytest.mark.parametrize(
    ("excused", "left"),
    [
        ([], 10),
        ([(0, 5), (25, 30)], 10),
        ([(5, 12)], 8),
        ([(12, 14), (13, 15)], 7),
        ([(5, 30)], 0),
    ],
)
def test_excused_times_do_not_count(excused: list[tuple[float, float]], left: float) -> None:
    assert unexcused(10, 20, excused) == left
