"""Spans: a request, what it asks of LiveKit, and the handling of the event that it brought."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

_LAST_PATIENCE: Final = timedelta(seconds=1)
"""How long a collector that does not answer may hold up the end of the process."""


class OtlpTracing:
    """Implements :class:`application.telemetry.Tracing`.

    Sends spans over OTLP/HTTP to ``endpoint``, such as ``http://collector:4318``, from a thread of
    its own. What else the SDK's variables say, such as ``OTEL_RESOURCE_ATTRIBUTES``, holds too.
    """

    def __init__(self, endpoint: str, service_name: str, version: str) -> None:
        names = {SERVICE_NAME: service_name, SERVICE_VERSION: version}
        self._provider = TracerProvider(resource=Resource.create(names), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("backend-livekit", version)
        self._traceparent = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, parent: str | None) -> Iterator[RequestSpan]:
        """A block in which a request is answered; it is named once its route is known."""
        attributes = {"http.request.method": method}
        with self._span(method, SpanKind.SERVER, attributes, self._context(parent)) as span:
            yield RequestSpan(span, method)

    def livekit(self, method: str) -> AbstractContextManager[object]:
        """A block that makes a request of LiveKit's API."""
        service, _, name = method.partition("/")
        attributes = {"rpc.system": "twirp", "rpc.service": service, "rpc.method": name}
        return self._span(method, SpanKind.CLIENT, attributes)

    def event(self, kind: str, event_id: str, parent: str | None) -> AbstractContextManager[object]:
        """A block in which an event is handled that a request of trace ``parent`` brought."""
        attributes = {"messaging.operation.name": "process", "messaging.message.id": event_id}
        return self._span(f"handle {kind}", SpanKind.CONSUMER, attributes, self._context(parent))

    def current(self) -> str | None:
        """The ``traceparent`` of what is going on."""
        carrier: dict[str, str] = {}
        self._traceparent.inject(carrier)
        return carrier.get("traceparent")

    def close(self) -> None:
        """Send what is left, or give it up after a second."""
        # The SDK would wait for a collector that does not answer, ten seconds and longer.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_LAST_PATIENCE.total_seconds())

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, AttributeValue],
        context: Context | None = None,
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name, context, kind, attributes,
            record_exception=False, set_status_on_exception=False,
        ) as span:  # fmt: skip
            try:
                yield span
            except BaseException as error:
                # Not its text: LiveKit's 401 repeats the token, other answers name numbers.
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", type(error).__qualname__)
                raise

    def _context(self, parent: str | None) -> Context | None:
        # Without a parent it begins a trace of its own, whatever goes on around it.
        return self._traceparent.extract({"traceparent": parent} if parent else {}, Context())


class RequestSpan:
    """Sets a request's span at its end."""

    def __init__(self, span: Span, method: str) -> None:
        self._span, self._method = span, method

    def answered(self, route: str, status: int) -> None:
        """The request was answered so; ``route`` is the template."""
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)
