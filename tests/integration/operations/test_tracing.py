"""Traces over OTLP: one from the request through the inbox to the dispatch."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import attrs
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.databases import sqlite_in
from tests.http_server import serving
from tests.integration.http.webhooks import MEDIA_TYPE, PATH, Caller, eventually, token
from tests.service import PROJECT, running, start
from tests.simulator import SimulatorProcess

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


@attrs.define
class Collector:
    """Takes what an OpenTelemetry collector would."""

    url: str = ""
    spans: list[Span] = attrs.field(factory=list)
    services: set[str] = attrs.field(factory=set)

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.services.add(names["service.name"])
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)

    def trace(self, trace_id: str) -> dict[str, Span]:
        """The trace's spans by name."""
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace_id}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with serving(Handler) as collector.url:
        yield collector


@pytest.fixture(scope="module")
def traced(
    simulator_process: SimulatorProcess,
    collector: Collector,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("traced")
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(folder),
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "86400",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": "voice-backend",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    simulator_process.register_worker("shreya-obnox")
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
        yield client


def test_a_session_s_dispatch_is_in_its_request_s_trace(
    traced: httpx.Client, collector: Collector
) -> None:
    traced.post("/session", json={"userIdentity": "ann"}, headers=HEADER).raise_for_status()

    spans = eventually(lambda: collector.trace(TRACE), lambda found: "POST /session" in found)

    request = spans["POST /session"]
    assert request.parent_span_id.hex() == PARENT
    assert request.kind == Span.SPAN_KIND_SERVER
    dispatch = spans["AgentDispatchService/CreateDispatch"]
    assert dispatch.parent_span_id == request.span_id
    assert dispatch.kind == Span.SPAN_KIND_CLIENT
    told = {one.key: one.value for one in request.attributes}
    assert told["http.response.status_code"].int_value == 200
    assert told["http.route"].string_value == "/session"
    assert collector.services == {"voice-backend"}


def test_from_the_webhook_through_the_inbox_to_the_dispatch_it_is_one_trace(
    traced: httpx.Client, collector: Collector
) -> None:
    trace = TRACE[::-1]
    body = Caller(room="traced-call", room_sid="RM_t").joined()
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Authorization": token(body),
        "traceparent": f"00-{trace}-{PARENT}-01",
    }
    traced.post(PATH, content=body, headers=headers).raise_for_status()

    spans = eventually(
        lambda: collector.trace(trace), lambda found: "handle participant_joined" in found
    )

    request, handling = spans[f"POST {PATH}"], spans["handle participant_joined"]
    assert request.parent_span_id.hex() == PARENT
    assert handling.parent_span_id == request.span_id
    assert handling.kind == Span.SPAN_KIND_CONSUMER
    assert spans["AgentDispatchService/CreateDispatch"].parent_span_id == handling.span_id


def test_what_fails_is_an_error_and_tells_no_secret(
    traced: httpx.Client, collector: Collector, simulator: SimulatorProcess
) -> None:
    trace = "a" * 32
    simulator.fault("CreateDispatch", "error", status=403)
    answer = traced.post(
        "/session",
        json={"userIdentity": "a-secret-identity", "agentConfig": {"prompt": "a-secret-prompt"}},
        headers={"traceparent": f"00-{trace}-{PARENT}-01"},
    )
    simulator.no_faults()

    spans = eventually(lambda: collector.trace(trace), lambda found: "POST /session" in found)

    assert answer.status_code == 502
    assert spans["POST /session"].status.code == 2
    assert spans["AgentDispatchService/CreateDispatch"].status.code == 2
    assert not any("a-secret" in str(span) for span in collector.spans)


def test_what_livekit_answers_is_not_in_the_trace(
    traced: httpx.Client, collector: Collector, simulator: SimulatorProcess
) -> None:
    trace = "b" * 32
    simulator.fault("CreateDispatch", "error", status=401)
    traced.post(
        "/session",
        json={"userIdentity": "ann"},
        headers={"traceparent": f"00-{trace}-{PARENT}-01"},
    )
    simulator.no_faults()

    spans = eventually(lambda: collector.trace(trace), lambda found: "POST /session" in found)

    dispatch = spans["AgentDispatchService/CreateDispatch"]
    told = {one.key: one.value.string_value for one in dispatch.attributes}
    assert told["error.type"] == "ServerError"
    # livekit-server's 401 repeats the token that it was sent.
    assert not any("the simulator's fault plan answers" in str(span) for span in collector.spans)


def test_a_collector_that_never_answers_does_not_hold_up_the_end(
    simulator_process: SimulatorProcess, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environ = {
            **simulator_process.environ,
            "DATABASE_URL": "memory://",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        service = start(environ, tmp_path)
        httpx.get(f"{service.url}/health")

        assert service.stop() == 0

    # Killed because it took too long it would not have said so.
    assert '"event":"stopped"' in service.output()


def test_without_a_collector_nothing_of_it_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys, entrypoints.http.server.asgi as asgi; asgi.create(); "
        "unwanted = ('opentelemetry.sdk', 'adapters.opentelemetry'); "
        "print([name for name in sys.modules if name.startswith(unwanted)])"
    )
    environ = {
        "PYTHONPATH": str(PROJECT),
        "LIVEKIT_URL": "ws://127.0.0.1:1",
        "LIVEKIT_API_KEY": "key",
        "LIVEKIT_API_SECRET": "secret",
        "DATABASE_URL": "memory://",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    assert done.stdout.strip() == "[]"
