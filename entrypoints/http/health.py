"""GET /, GET /health, GET /health/ready."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from litestar import Response, get, head
from litestar.openapi import ResponseSpec
from litestar.params import Dependency

from domain.ports.clock import Clock
from domain.use_cases.check_readiness import CheckReadiness, Readiness
from entrypoints.http.openapi import DOCS
from entrypoints.http.times import rfc3339
from entrypoints.version import VERSION

_STARTED: Final = time.monotonic()


class HealthAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """The process answers."""

    status: str
    uptime_seconds: float
    version: str
    timestamp: str


class CheckAnswer(msgspec.Struct, omit_defaults=True):
    """The state of one dependency: ``ok``, or ``failed`` with the reason."""

    status: str
    error: str | None = None


class ReadinessAnswer(msgspec.Struct):
    """``ready`` if every dependency is."""

    status: str
    checks: dict[str, CheckAnswer]


class ServiceAnswer(msgspec.Struct):
    """What this is and what it can do."""

    service: str
    version: str
    docs: str
    routes: dict[str, str]


@get("/health", tags=["health"], summary="Is the process alive?")
async def health(clock: Annotated[Clock, Dependency(skip_validation=True)]) -> HealthAnswer:
    """Asks nothing of LiveKit or the database."""
    return HealthAnswer(
        status="ok",
        uptime_seconds=round(time.monotonic() - _STARTED, 3),
        version=VERSION,
        timestamp=rfc3339(clock.now()),
    )


@get(
    "/health/ready",
    tags=["health"],
    summary="Could it serve a request?",
    responses={503: ResponseSpec(ReadinessAnswer, description="Something would not serve.")},
)
async def ready(check_readiness: CheckReadiness) -> Response[ReadinessAnswer]:
    """Asks LiveKit and the database; 503 if either would not serve."""
    readiness = await check_readiness()
    checks = {
        name: CheckAnswer("failed", problem) if problem else CheckAnswer("ok")
        for name, problem in readiness.problems.items()
    }
    answer = ReadinessAnswer("ready" if readiness.ready else "not_ready", checks)
    return Response(answer, status_code=_status(readiness))


@get("/", tags=["health"], summary="What is this?")
async def service(routes: dict[str, str]) -> ServiceAnswer:
    """Names the service and its routes."""
    return ServiceAnswer("backend-livekit", VERSION, DOCS, routes)


@head(["/", "/health"], include_in_schema=False)
async def alive() -> None:
    """For load balancers that ask with HEAD."""


@head("/health/ready", include_in_schema=False)
async def ready_without_body(check_readiness: CheckReadiness) -> Response[None]:
    """For load balancers that ask with HEAD."""
    return Response(None, status_code=_status(await check_readiness()))


def _status(readiness: Readiness) -> HTTPStatus:
    return HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
