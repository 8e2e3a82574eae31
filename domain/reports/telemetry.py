"""Traces, logs and metrics that workers send beside their reports."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Protocol

import attrs


class Signal(enum.StrEnum):
    """The signals of OpenTelemetry."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


@attrs.frozen
class WorkerTelemetry:
    """A message of a worker's, as it came: an OTLP request, compressed or not, and its headers."""

    signal: Signal
    body: bytes
    headers: Mapping[str, str]


class TelemetrySink(Protocol):
    """Takes telemetry that is not the ledger's."""

    def take(self, message: WorkerTelemetry) -> bool:
        """Return False if too much is waiting: the sender tries again."""
        ...
