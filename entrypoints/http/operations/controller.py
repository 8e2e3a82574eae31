"""GET /, GET /health, GET /health/ready, GET /metrics."""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from typing import Any, Final

import attrs
import structlog
from litestar import Controller, Litestar, Request, Response, Router, get, head
from litestar.openapi import ResponseSpec
from litestar.routes import HTTPRoute

from application.caching.ttl_cache import TtlCache
from application.settings import AppEnv
from application.telemetry import Telemetry
from domain.access.access import Scope
from domain.access.authenticate import Authenticate
from domain.operations.check_readiness import Readiness
from domain.operations.ledger_stats import LedgerStats, StatsReader
from domain.shared.clock import Clock
from domain.shared.errors import StorageUnavailable
from entrypoints.container import Container
from entrypoints.http.openapi.document import DOCS, HIDDEN, KEYED, REFUSALS, errors
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.operations.schemas import (
    HealthResponse,
    ReadinessResponse,
    ServiceResponse,
    readiness_response,
)
from entrypoints.http.routing import routes_of
from entrypoints.http.server.draining import is_draining
from entrypoints.presenters.times import rfc3339
from entrypoints.version import VERSION

log = structlog.get_logger()

OPEN: Final = (
    "There is no API key, so everybody who reaches this service may use it: "  # prose: ok
    "make one with `backend keys create`, or set API_KEYS."
)
_STARTED: Final = time.monotonic()
_PARAMETER_TYPE: Final = re.compile(r":\w+(?=})")


@attrs.frozen(kw_only=True)
class RouteIndex:
    """The list of routes that GET / answers with."""

    authenticate: Authenticate
    in_production: bool
    _kept: dict[bool, dict[str, str]] = attrs.field(factory=dict, init=False)

    async def __call__(self, app: Litestar) -> dict[str, str]:
        """Return ``{"POST /session": "Start a session…"}`` for what the documentation shows."""
        with_hidden = not self.in_production or await self.authenticate.is_guarded()
        if with_hidden not in self._kept:
            self._kept[with_hidden] = _index(app, with_hidden=with_hidden)
        return self._kept[with_hidden]


def _index(app: Litestar, *, with_hidden: bool) -> dict[str, str]:
    return {
        f"{min(handler.http_methods)} {_PARAMETER_TYPE.sub('', route.path)}": handler.summary
        for route in sorted(app.routes, key=lambda route: route.path)
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.summary and (with_hidden or not handler.opt.get("hidden"))
    }


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    in_production = container.settings().app_env is AppEnv.PRODUCTION
    index = RouteIndex(authenticate=container.authenticate(), in_production=in_production)
    return routes_of(
        OperationsController,
        _readiness=container.recent_readiness,
        _authenticate=container.authenticate,
        _clock=container.clock,
        _telemetry=container.telemetry,
        _stats=container.cached_stats,
        _route_index=lambda: index,
    )


class OperationsController(Controller):
    """What operators and load balancers ask."""

    tags = ("health",)

    _readiness: TtlCache[Readiness]
    _authenticate: Authenticate
    _clock: Clock
    _telemetry: Telemetry
    _stats: StatsReader
    _route_index: RouteIndex

    @get(
        "/health",
        public=True,
        operation_class=Operation,
        summary="Is the process alive?",
        responses=errors({}),
    )
    async def health(self) -> HealthResponse:
        """Asks nothing of LiveKit or the database."""
        return HealthResponse(
            status="ok",
            uptime_seconds=round(time.monotonic() - _STARTED, 3),
            version=VERSION,
            timestamp=rfc3339(self._clock.now()),
        )

    @get(
        "/health/ready",
        public=True,
        operation_class=Operation,
        summary="Could it serve a request?",
        responses=errors({})
        | {503: ResponseSpec(ReadinessResponse, description="Something would not serve.")},
    )
    async def ready(self) -> Response[ReadinessResponse]:
        """Asks LiveKit and the database; 503 if either would not serve, or the service will stop.

        The database must take a write. They are asked once a second at most; that the service will
        stop is reported at once.
        """
        if is_draining():
            return Response(
                ReadinessResponse("stopping", {}, []), status_code=HTTPStatus.SERVICE_UNAVAILABLE
            )
        found = await self._readiness()
        # A database that is out of reach is not asked by each request whether it has keys.
        unknown = found.problems.get("database") is not None
        warnings = [] if unknown or await guarded(self._authenticate) else [OPEN]
        return Response(readiness_response(found, warnings), status_code=_status(found))

    @get(
        "/",
        public=True,
        operation_class=Operation,
        summary="What is this?",
        responses=errors({}),
    )
    async def service(self, request: Request[Any, Any, Any]) -> ServiceResponse:
        """Names the service and its routes."""
        routes = await self._route_index(request.app)
        return ServiceResponse("backend-livekit", VERSION, DOCS, routes)

    @head(["/", "/health"], public=True, include_in_schema=False)
    async def alive(self) -> None:
        """For load balancers that ask with HEAD."""

    @head("/health/ready", public=True, include_in_schema=False)
    async def ready_without_body(self) -> Response[None]:
        """For load balancers that ask with HEAD."""
        if is_draining():
            return Response(None, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(None, status_code=_status(await self._readiness()))

    @get(
        "/metrics",
        needs=(Scope.ADMIN,),
        without_storage=True,
        security=KEYED,
        hidden=True,
        operation_class=Operation,
        summary="Metrics for Prometheus (development, or with an admin key)",
        media_type="text/plain",
        responses=errors(REFUSALS | {404: HIDDEN}),
    )
    async def metrics(self) -> Response[bytes]:
        """What docs/observability.md lists, in Prometheus' text format."""
        ledger_stats: LedgerStats | None = None
        try:
            ledger_stats = await self._stats.ledger_stats()
            if ledger_stats.problem is not None:
                log.warning("the ledger cannot be written", reason=ledger_stats.problem)
        except StorageUnavailable as error:
            log.warning("the ledger cannot be counted", reason=str(error))
        return Response(
            self._telemetry.page(ledger_stats),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )


async def guarded(authenticate: Authenticate) -> bool:
    """Whether an API key is needed; true where the ledger cannot say."""
    try:
        return await authenticate.is_guarded()
    except StorageUnavailable:
        return True


def _status(readiness: Readiness) -> HTTPStatus:
    return HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
