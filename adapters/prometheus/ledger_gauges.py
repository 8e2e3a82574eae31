"""What the ledger has at this moment, as metrics."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from domain.operations.ledger_stats import LedgerStats


class LedgerGauges:
    """The state at this moment, the same from each process."""

    def __init__(self, version: str, ledger_stats: LedgerStats | None, now: float) -> None:
        self._version, self._census, self._now = version, ledger_stats, now

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics (prometheus_client calls it)."""
        build = GaugeMetricFamily("backend_build_info", "Which version runs.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build
        ledger_stats = self._census
        yield GaugeMetricFamily(
            "backend_ledger_up", "Whether the ledger can be read and written.",
            value=ledger_stats is not None and ledger_stats.problem is None,
        )  # fmt: skip
        if ledger_stats is None:
            return
        yield GaugeMetricFamily(
            "backend_live_sessions",
            "Sessions that have not ended.",
            value=ledger_stats.live_sessions,
        )
        yield GaugeMetricFamily(
            "backend_live_calls", "Calls that have not ended.", value=ledger_stats.live_calls
        )
        events = GaugeMetricFamily(
            "backend_inbox_events", "Webhook events by what is to become of them.",
            labels=["status"],
        )  # fmt: skip
        events.add_metric(["pending"], ledger_stats.pending_events)
        events.add_metric(["dead"], ledger_stats.dead_events)
        yield events
        yield GaugeMetricFamily(
            "backend_inbox_oldest_pending_age_seconds",
            "How long the oldest event has waited to be handled.",
            value=self._age(ledger_stats.pending_since),
        )
        yield from self._webhooks(ledger_stats)

    def _webhooks(self, ledger_stats: LedgerStats) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "backend_webhook_pending_deliveries", "Deliveries that no webhook has confirmed.",
            value=ledger_stats.pending_deliveries,
        )  # fmt: skip
        yield GaugeMetricFamily(
            "backend_webhook_oldest_pending_age_seconds",
            "How long the oldest pending delivery has waited.",
            value=self._age(ledger_stats.deliveries_since),
        )
        yield GaugeMetricFamily(
            "backend_webhook_failed_deliveries",
            "Deliveries that were set aside and not redelivered.",
            value=ledger_stats.failed_deliveries,
        )

    def _age(self, since: datetime | None) -> float:
        return 0.0 if since is None else max(self._now - since.timestamp(), 0.0)
