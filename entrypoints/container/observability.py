"""Metrics and traces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from dependency_injector import containers, providers

from adapters.prometheus.telemetry import PrometheusTelemetry
from application.telemetry import Telemetry, Tracing
from entrypoints.container.core import Core
from entrypoints.version import VERSION

settings = Core.settings.provided


def _tracing(endpoint: str | None, service_name: str) -> Tracing | None:
    if endpoint is None:
        return None
    from adapters.opentelemetry.tracing import OtlpTracing  # noqa: PLC0415 - an extra

    return OtlpTracing(endpoint, service_name, VERSION)


def _watch(
    telemetry: Telemetry, tracing: Tracing | None
) -> Callable[[str], AbstractContextManager[Any]]:
    """Return the context manager that observes each request to LiveKit's API."""
    if tracing is None:
        return telemetry.livekit

    @contextmanager
    def both(method: str) -> Iterator[None]:
        with telemetry.livekit(method), tracing.livekit(method):
            yield

    return both


class Observability(containers.DeclarativeContainer):
    """Metrics and traces; ``watch_livekit`` observes requests to LiveKit."""

    telemetry = providers.Singleton(PrometheusTelemetry, VERSION, Core.clock.provided.timestamp)
    tracing = providers.Singleton(_tracing, settings.otlp_endpoint, settings.otlp_service_name)
    watch_livekit = providers.Singleton(_watch, telemetry, tracing)
