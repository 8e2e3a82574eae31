"""POST /observability/{traces,logs,metrics}/otlp/v0: OTLP over HTTP from workers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from litestar import Controller, Response, Router, post

from domain.reports.telemetry import Signal, TelemetrySink, WorkerTelemetry
from domain.reports.worker_verifier import WorkerVerifier
from entrypoints.container import Container
from entrypoints.http.reports.retry_info import MEDIA_TYPE
from entrypoints.http.requests.json_request import JsonRequest
from entrypoints.http.routing import routes_of

MAX_OTLP_BYTES: Final = 4 * 1024 * 1024
_JSON: Final = "application/json"


def routes(container: Container) -> Router:
    """Return the routes, with what they use."""
    return routes_of(
        OtlpController,
        _verifier=container.worker_verifier,
        _sink=container.telemetry_sink,
    )


class OtlpController(Controller):
    """Pass workers' telemetry on."""

    tags = ("reports",)

    _verifier: WorkerVerifier
    _sink: TelemetrySink

    @post(
        [f"/observability/{signal}/otlp/v0" for signal in Signal],
        public=True,
        status_code=200,
        include_in_schema=False,  # LiveKit's own, for its workers: docs/reports.md
        request_max_body_size=MAX_OTLP_BYTES,
        summary="Take a worker's telemetry",
    )
    async def take_telemetry(self, request: JsonRequest) -> Response[bytes]:
        """Queue it for the collector as it is, or count and drop it where there is none."""
        self._verifier.verify(request.headers.get("authorization"))
        signal = Signal(request.scope["path"].split("/")[2])
        try:
            body = await request.body()
            taken = self._sink.take(WorkerTelemetry(signal, body, dict(request.headers)))
        finally:
            request.drop_body()
        if not taken:  # OTLP: a client repeats what is answered 503
            return Response(
                b"", status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "5"}
            )
        is_json = request.headers.get("content-type", "").startswith(_JSON)
        return Response(b"{}" if is_json else b"", media_type=_JSON if is_json else MEDIA_TYPE)
