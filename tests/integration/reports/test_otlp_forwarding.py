"""Workers' OTLP reaches a real receiver as it came, and whatever that does holds up no worker."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

import attrs
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from adapters.otlp.forwarder import MOST_BYTES
from entrypoints.http.reports.otlp import MAX_OTLP_BYTES
from tests.databases import sqlite_in
from tests.http_server import serving
from tests.integration.http.webhooks import eventually
from tests.reports import worker_token
from tests.service import running
from tests.simulator import SimulatorProcess

PROTOBUF: Final = "application/x-protobuf"
REQUESTS: Final[dict[str, Any]] = {
    "logs": ExportLogsServiceRequest, "metrics": ExportMetricsServiceRequest,
    "traces": ExportTraceServiceRequest,
}  # fmt: skip


def message(signal: str, text: str = "agent") -> Any:
    """What a worker would send, of one resource."""
    request = REQUESTS[signal]()
    resources = {"logs": "resource_logs", "metrics": "resource_metrics", "traces": "resource_spans"}
    resource = getattr(request, resources[signal]).add().resource
    resource.attributes.add(key="service.name").value.string_value = text
    return request


@attrs.frozen
class Received:
    """A request of the service."""

    path: str
    body: bytes
    headers: dict[str, str]


@attrs.define
class Receiver:
    """An OTLP receiver over HTTP. ``status`` 0: it hangs up; it answers once it ``may_answer``."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    received: list[Received] = attrs.field(factory=list)
    may_answer: threading.Event = attrs.field(factory=threading.Event)

    def of(self, body: bytes) -> list[Received]:
        """The requests with this body; the service sends traces of its own, too."""
        return [each for each in self.received if each.body == body]

    def is_well(self) -> None:
        self.status, self.headers = 200, {}
        self.may_answer.set()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, body, headers))
            status, answer = receiver.status, receiver.headers
            receiver.may_answer.wait(60)
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in answer.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with serving(Handler) as receiver.url:
        yield receiver
        receiver.is_well()


@pytest.fixture(scope="module")
def workers(
    simulator_process: SimulatorProcess,
    receiver: Receiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("otlp")
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(folder),
        "RECONCILE_INTERVAL_SECONDS": "86400",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20secret",
    }
    receiver.is_well()
    with (
        running(environ, folder) as service,
        httpx.Client(base_url=service.url, timeout=60) as client,
    ):
        client.headers["Authorization"] = f"Bearer {worker_token()}"
        yield client


@pytest.fixture(autouse=True)
def _is_well(receiver: Receiver, workers: httpx.Client) -> Iterator[None]:
    """Each test begins and ends with a receiver that is well, and nothing waiting for it."""
    yield
    receiver.is_well()
    last = message("logs", "last").SerializeToString()
    eventually(lambda: send(workers, "logs", last).status_code, lambda status: status == 200)
    eventually(lambda: receiver.of(last), bool)
    receiver.received.clear()


def send(
    client: httpx.Client, signal: str, body: bytes, content_type: str = PROTOBUF, **headers: str
) -> httpx.Response:
    return client.post(
        f"/observability/{signal}/otlp/v0",
        content=body,
        headers={"Content-Type": content_type, **headers},
    )


def counted(client: httpx.Client, signal: str, outcome: str) -> float:
    """How many messages had this outcome."""
    line = f'backend_worker_telemetry_total{{outcome="{outcome}",signal="{signal}"}} '
    lines = client.get("/metrics").text.splitlines()
    return sum(float(each.removeprefix(line)) for each in lines if each.startswith(line))


@pytest.mark.parametrize("signal", [*REQUESTS])
def test_a_message_arrives_byte_by_byte_with_the_receivers_headers(
    workers: httpx.Client, receiver: Receiver, signal: str
) -> None:
    sent = message(signal)
    body = gzip.compress(sent.SerializeToString())
    before = counted(workers, signal, "forwarded")

    answer = send(workers, signal, body, **{"Content-Encoding": "gzip"})

    assert (answer.status_code, answer.content) == (200, b"")
    [received] = eventually(lambda: receiver.of(body), bool)
    assert received.path == f"/v1/{signal}"
    assert REQUESTS[signal].FromString(gzip.decompress(received.body)) == sent
    assert received.headers["content-type"] == PROTOBUF
    assert received.headers["content-encoding"] == "gzip"
    assert received.headers["api-key"] == "a secret"
    assert "authorization" not in received.headers
    eventually(lambda: counted(workers, signal, "forwarded"), lambda now: now > before)


def test_json_is_passed_on_as_json(workers: httpx.Client, receiver: Receiver) -> None:
    body = b'{"resourceLogs":[]}'

    answer = send(workers, "logs", body, "application/json")

    assert (answer.status_code, answer.json()) == (200, {})
    [received] = eventually(lambda: receiver.of(body), bool)
    assert received.headers["content-type"] == "application/json"
    assert "content-encoding" not in received.headers


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (0, {}),
        (429, {"Retry-After": "3600"}),
        (500, {}),
        (503, {"Retry-After": "1"}),
        (307, {"Location": "/elsewhere"}),
    ],
)
def test_what_the_receiver_does_not_take_is_counted_and_the_next_goes_on(
    workers: httpx.Client, receiver: Receiver, status: int, headers: dict[str, str]
) -> None:
    before = counted(workers, "traces", "failed")
    receiver.status, receiver.headers = status, headers
    lost, kept = (message("traces", name).SerializeToString() for name in ("lost", "kept"))

    assert send(workers, "traces", lost).status_code == 200

    eventually(lambda: counted(workers, "traces", "failed"), lambda now: now == before + 1)
    receiver.is_well()
    assert send(workers, "traces", kept).status_code == 200
    eventually(lambda: receiver.of(kept), bool)
    assert {each.path for each in receiver.of(lost)} == {"/v1/traces"}


def test_while_the_receiver_hangs_workers_are_answered_and_what_waits_is_bounded(
    workers: httpx.Client, receiver: Receiver
) -> None:
    """The worker is answered although the receiver answers nothing."""
    forwarded = counted(workers, "metrics", "forwarded")
    receiver.may_answer.clear()
    body = bytes(MAX_OTLP_BYTES)
    accepted = 0

    while (answer := send(workers, "metrics", body)).status_code == 200:
        accepted += 1
        assert accepted < 100

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert accepted >= MOST_BYTES // MAX_OTLP_BYTES
    waiting = accepted - counted(workers, "metrics", "failed")  # after 10 s each
    assert waiting <= MOST_BYTES // MAX_OTLP_BYTES
    assert counted(workers, "metrics", "refused") == 1
    assert counted(workers, "metrics", "forwarded") == forwarded
