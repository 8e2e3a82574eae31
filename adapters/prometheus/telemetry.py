"""Counts what the service does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
    multiprocess,
)

from adapters.prometheus.call_looks import CallLooks
from adapters.prometheus.ledger_gauges import LedgerGauges
from adapters.prometheus.workers import Workers
from domain.operations.ledger_stats import LedgerStats
from domain.reconciliation.reconcile import Reconciliation

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DISPATCH: Final = "AgentDispatchService/CreateDispatch"


class PrometheusTelemetry:
    """Implements :class:`application.telemetry.Telemetry`.

    Where ``PROMETHEUS_MULTIPROC_DIR`` names a folder, processes count together in files there, and
    each can show what all have counted.
    """

    def __init__(self, version: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._version = version
        self._known: dict[tuple[str, str, int], Callable[[float], None]] = {}
        self._livekit_count = cache(self._counting)  # to look a metric up takes longer
        self._folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        registry = self.registry = CollectorRegistry()
        self._requests = Histogram(
            "backend_http_request_duration_seconds",
            "HTTP requests, from the first byte to the last of the answer.",
            ["method", "route", "status"], buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._livekit = Histogram(
            "backend_livekit_request_duration_seconds",
            "Requests of LiveKit's API.",
            ["method", "outcome"], buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._dispatches = Counter(
            "backend_dispatches", "Agents that LiveKit was asked to dispatch.",
            ["outcome"], registry=registry,
        )  # fmt: skip
        self._batches = Histogram(
            "backend_group_commit_batch_size", "Changes that were committed together.",
            buckets=(1, 2, 4, 8, 16, 32, 64), registry=registry,
        )  # fmt: skip
        self._waits = Histogram(
            "backend_group_commit_wait_seconds",
            "How long a batch's first change waited until it was durable.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._deliveries = Histogram(
            "backend_webhook_delivery_duration_seconds",
            "Attempts to deliver a domain event to a webhook.",
            ["outcome"], buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        for outcome in ("succeeded", "retried", "failed"):  # shown before the first attempt
            self._deliveries.labels(outcome)
        self._count_background_work(registry)
        self._count_events(registry)
        self._looks = CallLooks(registry)

    def _count_background_work(self, registry: CollectorRegistry) -> None:
        self._worker_telemetry = Counter(
            "backend_worker_telemetry", "OTLP messages that workers sent.",
            ["signal", "outcome"], registry=registry,
        )  # fmt: skip
        self._repairs = Counter(
            "backend_reconciler_repairs", "What the reconciler has put right.",
            ["kind"], registry=registry,
        )  # fmt: skip
        self._failures = Counter(
            "backend_reconciler_failures",
            "Rooms that a cycle could not reconcile, by the kind of failure.",
            ["kind"], registry=registry,
        )  # fmt: skip
        self._held = Gauge(
            "backend_reconciler_held_entries",
            "Sessions and calls missing from LiveKit that await confirmation before they end.",
            multiprocess_mode="mostrecent", registry=registry,
        )  # fmt: skip
        self._joins = Histogram(
            "backend_agent_join_seconds",
            "From an agent's dispatch until it joined its room.",
            buckets=(0.5, 1, 2, 3, 5, 8, 12, 20, 30, 45, 60, 90, 120), registry=registry,
        )  # fmt: skip
        self._cycles = Histogram(
            "backend_reconciler_cycle_duration_seconds", "The reconciler's rounds.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._cycled_at = Gauge(
            "backend_reconciler_last_success_timestamp_seconds",
            "When the reconciler went round last (Unix time).",
            multiprocess_mode="max", registry=registry,
        )  # fmt: skip

    def _count_events(self, registry: CollectorRegistry) -> None:
        self._appended = Counter(
            "backend_events_appended", "Domain events that were appended to the outbox.",
            ["kind"], registry=registry,
        )  # fmt: skip
        self._skipped = Counter(
            "backend_events_skipped",
            "Stored events that were passed over, as this version cannot read them.",
            registry=registry,
        )
        self._count_event = cache(lambda kind: self._appended.labels(kind).inc)
        self._listeners = Gauge(
            "backend_event_stream_listeners", "Clients that listen to the stream of events.",
            multiprocess_mode="livesum", registry=registry,
        )  # fmt: skip
        self._lags = Histogram(
            "backend_event_stream_lag_seconds",
            "From when an event became known until it was given to the listeners.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip

    def events_appended(self, kinds: Sequence[str]) -> None:
        """A unit of work has committed events of these kinds."""
        for kind in kinds:
            self._count_event(kind)()

    def event_skipped(self) -> None:
        """A stored event was passed over, as this version cannot read it."""
        self._skipped.inc()

    def stream_listeners(self, number: int) -> None:
        """So many clients listen to this process."""
        self._listeners.set(number)

    def stream_lag(self, seconds: float) -> None:
        """An event was given to listeners so long after it became known."""
        self._lags.observe(seconds)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        place = method, route, status
        observe = self._known.get(place)
        if observe is None:
            known = method if method in _METHODS else "other"
            observe = self._requests.labels(known, route, str(status)).observe
            if known == method:  # callers may invent methods without end
                self._known[place] = observe
        observe(seconds)

    @contextmanager
    def livekit(self, method: str) -> Iterator[None]:
        """A block that makes a request of LiveKit's API."""
        began, outcome = time.perf_counter(), "ok"
        try:
            yield
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            seconds = time.perf_counter() - began
            self._livekit_count(method, outcome)(seconds)

    def _counting(self, method: str, outcome: str) -> Callable[[float], None]:
        observe = self._livekit.labels(method.rpartition("/")[2], outcome).observe
        if method != _DISPATCH:
            return observe
        dispatched = self._dispatches.labels(outcome).inc

        def count(seconds: float) -> None:
            observe(seconds)
            dispatched()

        return count

    def batch(self, size: int, waited: float) -> None:
        """So many changes were committed together."""
        self._batches.observe(size)
        self._waits.observe(waited)

    def agent_joined(self, latency: timedelta) -> None:
        """An agent joined its room."""
        self._joins.observe(latency.total_seconds())

    def delivery(self, outcome: str, seconds: float) -> None:
        """An event was sent to a webhook."""
        self._deliveries.labels(outcome).observe(seconds)

    def cycle(self, done: Reconciliation, seconds: float) -> None:
        """The reconciler has gone round."""
        self._cycles.observe(seconds)
        self._cycled_at.set(self._clock())
        self._held.set(done.held_entries)
        for kind, number in done.repairs.items():
            self._repairs.labels(kind).inc(number)
        for kind, number in done.failures.items():
            self._failures.labels(kind).inc(number)

    def call_look(self, seconds: float, news: Sequence[str]) -> None:
        """The room of unanswered calls was looked at, so long after the last look at it."""
        self._looks.looked(seconds, news)

    def worker_telemetry(self, signal: str, outcome: str) -> None:
        """A worker's OTLP message was forwarded, dropped, refused, or the collector failed."""
        self._worker_telemetry.labels(signal, outcome).inc()

    def page(self, ledger_stats: LedgerStats | None) -> bytes:
        """Everything so far in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(LedgerGauges(self._version, ledger_stats, self._clock()))
        PlatformCollector(registry=registry)
        if self._folder is None:
            ProcessCollector(registry=registry)
            return generate_latest(self.registry) + generate_latest(registry)
        registry.register(Workers(self._folder))
        multiprocess.MultiProcessCollector(registry, self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _outcome(error: BaseException) -> str:
    """``refused`` (4xx), ``timeout``, ``unreachable``, or ``failed``."""
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return "refused" if 400 <= status < 500 else "failed"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "unreachable" if isinstance(error, ConnectionError) else "failed"
