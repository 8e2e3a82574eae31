"""A server's rounds beside the floor's of the same moments."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tests.benchmarks.load import Load
from tests.benchmarks.report import Spread


@attrs.frozen
class Compared:
    """Rates in requests per second, times in milliseconds, and each round's ratios to the floor."""

    rate: Spread
    ratio: Spread
    p50: Spread
    p50_ratio: Spread
    p99: Spread
    p99_ratio: Spread

    @classmethod
    def of(cls, loads: Sequence[Load], floor: Sequence[Load]) -> Compared:
        pairs = list(zip(loads, floor, strict=True))
        return cls(
            rate=Spread.of([one.rate for one in loads]),
            ratio=Spread.of([one.rate / least.rate for one, least in pairs]),
            p50=Spread.of([one.p50 for one in loads]),
            p50_ratio=Spread.of([one.p50 / least.p50 for one, least in pairs]),
            p99=Spread.of([one.p99 for one in loads]),
            p99_ratio=Spread.of([one.p99 / least.p99 for one, least in pairs]),
        )

    def figures(self) -> dict[str, Spread]:
        return attrs.asdict(self, recurse=False)
