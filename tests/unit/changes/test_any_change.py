"""Whatever changes, from processes whose clocks differ: each tenant is hinted of all its own."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from application.streaming import change_watch
from application.streaming.listener import Listener
from tests.unit.changes.test_change_watch import World, heard, key_of, world
from tests.virtual_time import run

SKEW: Final = 3.5
"""Seconds; with a look's distance from the last one less than it goes back."""
STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(["ann", "ben"]),
        st.floats(-SKEW, SKEW),
        st.integers(1, 9),
        st.floats(0, 3),
    ),
    max_size=12,
)
STEP: Final = 0.1


async def note(times: list[float], listener: Listener) -> None:
    """Note when it is hinted."""
    while True:
        await asyncio.sleep(STEP)
        if heard(listener):
            times.append(asyncio.get_running_loop().time())


async def happens(here: World, steps: list[tuple[str, float, int, float]]) -> dict[str, float]:
    """Store changes; return when each tenant's last one was."""
    latest = dict[str, float]()
    for tenant, skew, number, wait in steps:
        for _ in range(number):
            here.deliver(tenant, here.clock.now() + timedelta(seconds=skew))
        latest[tenant] = here.clock.monotonic()
        await asyncio.sleep(wait)
    return latest


async def history(steps: list[tuple[str, float, int, float]]) -> None:
    async with world() as here:
        tenants = ("ann", "ben", "cat")
        times: dict[str, list[float]] = {tenant: [] for tenant in tenants}
        noting = [
            asyncio.create_task(note(times[tenant], here.join(key_of(tenant))))
            for tenant in tenants
        ]
        await asyncio.sleep(10)

        latest = await happens(here, steps)
        await asyncio.sleep(10)

        for task in noting:
            task.cancel()
        assert times["cat"] == []
        for tenant in ("ann", "ben"):
            assert bool(times[tenant]) == (tenant in latest)
            assert len(times[tenant]) <= sum(one[0] == tenant for one in steps)
            if times[tenant]:
                assert latest[tenant] <= times[tenant][-1] <= latest[tenant] + 1 + 2 * STEP
            gaps = zip(times[tenant], times[tenant][1:], strict=False)
            assert all(later - earlier >= 1 - 2 * STEP for earlier, later in gaps)


@settings(max_examples=20)
@given(steps=STEPS)
@example(steps=[("ann", 0.0, 4, 0.0), ("ben", 0.0, 1, 0.0)])  # more than a page at a moment
def test_each_tenant_is_hinted_of_its_changes_in_a_second_and_of_no_others(
    steps: list[tuple[str, float, int, float]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(change_watch, "PAGE", 4)
        patch.setattr(change_watch, "PAGES", 100)
        run(history(steps))
