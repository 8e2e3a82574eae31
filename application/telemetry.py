"""The ports to metrics and traces."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Protocol

from domain.operations.ledger_stats import LedgerStats
from domain.reconciliation.reconcile import Reconciliation


class Telemetry(Protocol):
    """Takes no time worth speaking of, and never fails. Times are in seconds."""

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; ``route`` is the template, such as ``/sessions/{sessionId}``."""
        ...

    def livekit(self, method: str) -> AbstractContextManager[object]:
        """A block that makes a request of LiveKit's API; what it raises is how that went."""
        ...

    def batch(self, size: int, waited: float) -> None:
        """So many changes were committed together, the first of which had waited so long."""
        ...

    def agent_joined(self, latency: timedelta) -> None:
        """An agent joined its room so long after its dispatch."""
        ...

    def delivery(self, outcome: str, seconds: float) -> None:
        """An event was sent to a webhook: ``succeeded``, ``retried`` or ``failed``."""
        ...

    def cycle(self, done: Reconciliation, seconds: float) -> None:
        """The reconciler has gone round; ``done`` counts repairs and failures by their kind."""
        ...

    def call_look(self, seconds: float, news: Sequence[str]) -> None:
        """The room of unanswered calls was looked at, so long after the last look at it.

        ``news`` are the statuses that calls there were seen to have reached.
        """
        ...

    def events_appended(self, kinds: Sequence[str]) -> None:
        """A unit of work has committed events of these kinds."""
        ...

    def event_skipped(self) -> None:
        """A stored event was passed over, as this version of the service cannot read it."""
        ...

    def stream_listeners(self, number: int) -> None:
        """So many clients listen to this process's stream of events."""
        ...

    def stream_lag(self, seconds: float) -> None:
        """An event was given to listeners so long after it became known."""
        ...

    def worker_telemetry(self, signal: str, outcome: str) -> None:
        """A worker's OTLP message was forwarded, dropped, refused, or the collector failed."""
        ...

    def page(self, ledger_stats: LedgerStats | None) -> bytes:
        """Everything so far in Prometheus' text format; None: the ledger could not be counted."""
        ...


class RequestSpan(Protocol):
    """A request that is being traced."""

    def answered(self, route: str, status: int) -> None:
        """It was answered so."""
        ...


class Tracing(Protocol):
    """Follows what belongs together through processes; ``parent`` is a W3C ``traceparent``."""

    def request(self, method: str, parent: str | None) -> AbstractContextManager[RequestSpan]:
        """A block in which a request is answered."""
        ...

    def livekit(self, method: str) -> AbstractContextManager[object]:
        """A block that makes a request of LiveKit's API."""
        ...

    def event(self, kind: str, event_id: str, parent: str | None) -> AbstractContextManager[object]:
        """A block in which an event is handled that a request of trace ``parent`` brought."""
        ...

    def current(self) -> str | None:
        """The ``traceparent`` of what is going on."""
        ...

    def close(self) -> None:
        """Send what is left."""
        ...
