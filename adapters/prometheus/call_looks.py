"""How ringing calls are followed, as metrics."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram


class CallLooks:
    """Counts the looks at the rooms of unanswered calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._intervals = Histogram(
            "backend_call_look_interval_seconds",
            "From one look at the room of an unanswered call until the next.",
            buckets=(0.25, 0.5, 0.6, 0.75, 1, 1.5, 2, 3, 5, 10, 30), registry=registry,
        )  # fmt: skip
        self._followed = Counter(
            "backend_calls_followed", "Calls that were seen to ring, or to be answered.",
            ["status"], registry=registry,
        )  # fmt: skip
        for status in ("ringing", "active", "automation"):  # shown before the first
            self._followed.labels(status)

    def looked(self, seconds: float, news: Sequence[str]) -> None:
        """Count a look, so long after the last one, that found these statuses to be new."""
        self._intervals.observe(seconds)
        for status in news:
            self._followed.labels(status).inc()
