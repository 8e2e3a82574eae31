"""GET /, GET /health, GET /health/ready."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Annotated, Final, Literal

import msgspec
from litestar import Response, get, head
from litestar.openapi import ResponseSpec
from litestar.params import Dependency

from application.caching.ttl_cache import TtlCache
from domain.access.authenticate import Authenticate
from domain.operations.check_readiness import Readiness
from domain.shared.clock import Clock
from domain.shared.errors import StorageUnavailable
from entrypoints.http.openapi.document import DOCS, errors
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests.fields import Timestamp
from entrypoints.http.requests.times import rfc3339
from entrypoints.http.server.draining import is_draining
from entrypoints.version import VERSION

_STARTED: Final = time.monotonic()

OPEN: Final = (
    "There is no API key, so everybody who reaches this service may use it: "
    "make one with `backend keys create`, or set API_KEYS."
)


class HealthResponse(msgspec.Struct, rename="camel", kw_only=True):
    """The process answers."""

    status: Literal["ok"]
    uptime_seconds: float
    version: str
    timestamp: Timestamp


class CheckResponse(msgspec.Struct):
    """The state of one dependency: ``ok``, or ``failed`` with the reason."""

    status: Literal["ok", "failed"]
    error: str | msgspec.UnsetType = msgspec.UNSET


class ReadinessResponse(msgspec.Struct):
    """``ready`` if every dependency is; ``warnings`` are for whoever set the service up."""

    status: Literal["ready", "not_ready", "stopping"]
    checks: dict[str, CheckResponse]
    warnings: list[str]


class ServiceResponse(msgspec.Struct):
    """What this is and what it can do."""

    service: str
    version: str
    docs: str
    routes: dict[str, str]


@get(
    "/health",
    public=True,
    tags=["health"],
    operation_class=Operation,
    summary="Is the process alive?",
    responses=errors({}),
)
async def health(clock: Annotated[Clock, Dependency(skip_validation=True)]) -> HealthResponse:
    """Asks nothing of LiveKit or the database."""
    return HealthResponse(
        status="ok",
        uptime_seconds=round(time.monotonic() - _STARTED, 3),
        version=VERSION,
        timestamp=rfc3339(clock.now()),
    )


@get(
    "/health/ready",
    public=True,
    tags=["health"],
    operation_class=Operation,
    summary="Could it serve a request?",
    responses=errors({})
    | {503: ResponseSpec(ReadinessResponse, description="Something would not serve.")},
)
async def ready(
    readiness: Annotated[TtlCache[Readiness], Dependency(skip_validation=True)],
    authenticate: Authenticate,
) -> Response[ReadinessResponse]:
    """Asks LiveKit and the database; 503 if either would not serve, or the service will stop.

    The database must take a write. They are asked once a second at most; that the service will
    stop is told at once.
    """
    if is_draining():
        return Response(
            ReadinessResponse("stopping", {}, []), status_code=HTTPStatus.SERVICE_UNAVAILABLE
        )
    found = await readiness()
    checks = {
        name: CheckResponse("failed", problem) if problem else CheckResponse("ok")
        for name, problem in found.problems.items()
    }
    # A database that is out of reach is not asked by each request whether it has keys.
    unknown = found.problems.get("database") is not None
    warnings = [*found.warnings]
    if not unknown and not await guarded(authenticate):
        warnings.append(OPEN)
    answer = ReadinessResponse("ready" if found.ready else "not_ready", checks, warnings)
    return Response(answer, status_code=_status(found))


@get(
    "/",
    public=True,
    tags=["health"],
    operation_class=Operation,
    summary="What is this?",
    responses=errors({}),
)
async def service(routes: dict[str, str]) -> ServiceResponse:
    """Names the service and its routes."""
    return ServiceResponse("backend-livekit", VERSION, DOCS, routes)


@head(["/", "/health"], public=True, include_in_schema=False)
async def alive() -> None:
    """For load balancers that ask with HEAD."""


@head("/health/ready", public=True, include_in_schema=False)
async def ready_without_body(
    readiness: Annotated[TtlCache[Readiness], Dependency(skip_validation=True)],
) -> Response[None]:
    """For load balancers that ask with HEAD."""
    if is_draining():
        return Response(None, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
    return Response(None, status_code=_status(await readiness()))


async def guarded(authenticate: Authenticate) -> bool:
    """Whether an API key is needed; true where the ledger cannot say."""
    try:
        return await authenticate.is_guarded()
    except StorageUnavailable:
        return True


def _status(readiness: Readiness) -> HTTPStatus:
    return HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
