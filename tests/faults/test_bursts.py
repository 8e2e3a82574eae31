"""Two replicas on PostgreSQL that receive the same events, in bursts and in another order."""

from __future__ import annotations

import pytest

from tests.databases import PostgresServer
from tests.faults.bursts import compare


@pytest.mark.timeout(120)
@pytest.mark.parametrize("through_pooler", [False, True], ids=["direct", "through a pooler"])
def test_given_the_same_bursts_at_both_replicas_then_nothing_is_refused(
    postgres: PostgresServer, *, through_pooler: bool
) -> None:
    found = compare(postgres, 200, rounds=3, through_pooler=through_pooler)

    assert set(found.statuses) == {200}
    assert found.deadlocks == 0
    # Each event is verified and looked up twice, on the same cores.
    assert found.ratio <= 3, [answers.p99 for answers in (*found.one, *found.two)]
