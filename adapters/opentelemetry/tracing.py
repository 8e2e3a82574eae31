"""Spans: a request, what it asks of LiveKit, and the handling of the event that it brought."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


class OtlpTracing:
    """Implements :class:`application.telemetry.Tracing`.

    Sends spans over OTLP/HTTP to ``endpoint``, such as ``http://collector:4318``, from a thread of
    its own. What else the SDK's variables say, such as ``OTEL_RESOURCE_ATTRIBUTES``, holds too.
    """

    def __init__(self, endpoint: str, service_name: str, version: str) -> None:
        names = {SERVICE_NAME: service_name, SERVICE_VERSION: version}
        self._provider = TracerProvider(resource=Resource.create(names))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("backend-livekit", version)
        self._traceparent = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, parent: str | None) -> Iterator[RequestSpan]:
        """A block in which a request is answered; it is named once its route is known."""
        with self._tracer.start_as_current_span(
            method, self._context(parent), SpanKind.SERVER, {"http.request.method": method}
        ) as span:
            yield RequestSpan(span, method)

    def livekit(self, method: str) -> AbstractContextManager[object]:
        """A block that makes a request of LiveKit's API."""
        service, _, name = method.partition("/")
        return self._tracer.start_as_current_span(
            method,
            kind=SpanKind.CLIENT,
            attributes={"rpc.system": "twirp", "rpc.service": service, "rpc.method": name},
        )

    def event(self, kind: str, event_id: str, parent: str | None) -> AbstractContextManager[object]:
        """A block in which an event is handled that a request of trace ``parent`` brought."""
        return self._tracer.start_as_current_span(
            f"handle {kind}",
            self._context(parent),
            SpanKind.CONSUMER,
            {"messaging.operation.name": "process", "messaging.message.id": event_id},
        )

    def current(self) -> str | None:
        """The ``traceparent`` of what is going on."""
        carrier: dict[str, str] = {}
        self._traceparent.inject(carrier)
        return carrier.get("traceparent")

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _context(self, parent: str | None) -> Context | None:
        # Without a parent it begins a trace of its own, whatever goes on around it.
        return self._traceparent.extract({"traceparent": parent} if parent else {}, Context())


class RequestSpan:
    """What a request's span is told at its end."""

    def __init__(self, span: Span, method: str) -> None:
        self._span, self._method = span, method

    def answered(self, route: str, status: int) -> None:
        """The request was answered so; ``route`` is the template."""
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)
