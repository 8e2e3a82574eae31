"""Collect what callers see; the only module of this tier that imports the project."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

import httpx
from litestar import Litestar
from litestar.exceptions import (
    ClientException,
    HTTPException,
    LitestarDeprecationWarning,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.testing import RequestFactory
from sqlalchemy import MetaData

from adapters.sqlalchemy.capabilities import metadata
from domain.shared.errors import DomainError, RateLimited
from entrypoints.cli.app import app as cli
from entrypoints.cli.app import main
from entrypoints.container import Container
from entrypoints.http.app import create_app
from entrypoints.http.middleware.administrative import administrative_paths
from entrypoints.http.middleware.cors import Cors
from entrypoints.settings import load_settings
from entrypoints.version import VERSION
from tests.golden.commands import LIVEKIT_KEYS, MEMORY

__all__ = ["VERSION", "cli", "main"]

ENVIRON: Final = {
    **LIVEKIT_KEYS,
    **MEMORY,
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
}
FRAMEWORK_ERRORS: Final = (
    ClientException, MethodNotAllowedException, NotFoundException, RequestEntityTooLarge,
    ValidationException,
)  # fmt: skip
"""Litestar's own errors that a request can cause."""


def tables() -> MetaData:
    """Return the tables that the code describes."""
    return metadata


def migrate(database_url: str) -> None:
    """Run every migration on the database at ``database_url``."""
    settings = load_settings({"DATABASE_URL": database_url}, only=("DATABASE_URL",))
    asyncio.run(Container(settings=settings).migrate())


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return _application().openapi_schema.to_schema()


def metrics() -> str:
    """Return a page in Prometheus' text format on which every metric of ours has a sample."""
    telemetry: Any = Container(settings=load_settings(ENVIRON)).telemetry()
    telemetry.request("GET", "/health", 200, 0.1)
    with telemetry.livekit("AgentDispatchService/CreateDispatch"):
        pass
    telemetry.batch(1, 0.1)
    telemetry.agent_joined(timedelta(seconds=1))
    telemetry.delivery("succeeded", 0.1)
    telemetry.events_appended(["session.created"])
    telemetry.event_skipped()
    telemetry.stream_listeners(1)
    telemetry.stream_lag(0.1)
    telemetry.worker_telemetry("traces", "dropped")
    cycle = SimpleNamespace(repairs={"any": 1}, failures={"any": 1}, held_entries=1)
    telemetry.cycle(cycle, 0.1)
    stats = SimpleNamespace(
        live_sessions=1, live_calls=1, pending_events=1, dead_events=1, problem=None,
        pending_since=datetime(2026, 1, 31, tzinfo=UTC), pending_deliveries=1,
        deliveries_since=datetime(2026, 1, 31, tzinfo=UTC), failed_deliveries=1,
    )  # fmt: skip
    page: bytes = telemetry.page(stats)
    return page.decode()


def error_responses() -> Iterator[tuple[str, int, list[str]]]:
    """Yield code, status and header names of the response to each kind of error."""
    application = _application()
    request: Any = RequestFactory(app=application).post("/session")
    request.scope["route_handler"] = SimpleNamespace(resolve_request_max_body_size=lambda: 1)
    for kind in (*_subclasses(DomainError), *_http_errors(), RuntimeError):
        handle: Any = next(
            application.exception_handlers[base]
            for base in kind.__mro__
            if base in application.exception_handlers
        )
        response = handle(request, _error(kind))
        yield response.content["code"], int(response.status_code), sorted(response.headers)
    refused = asyncio.run(_preflight(application))
    yield refused.json()["code"], refused.status_code, []


async def _preflight(application: Any) -> httpx.Response:
    """Return the response to a page of an origin that may not use the service."""
    cors: Any = Cors(application, ("https://one.example",), administrative_paths(application))
    transport = httpx.ASGITransport(cors)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.options("/session", headers={"Origin": "https://other.example"})


def _application() -> Litestar:
    @asynccontextmanager
    async def not_running(_app: Litestar) -> AsyncIterator[None]:
        yield

    with warnings.catch_warnings():  # what Litestar 3 will require is another matter
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        return create_app(Container(settings=load_settings(ENVIRON)), not_running)


def _http_errors() -> Iterator[type[Exception]]:
    yield from FRAMEWORK_ERRORS
    for kind in _subclasses(HTTPException):
        if not kind.__module__.startswith("litestar"):
            yield kind


def _subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    """Yield ``kind`` and everything derived from it, each once."""
    found = [kind]
    for one in found:
        yield one
        found += [derived for derived in one.__subclasses__() if derived not in found]


def _error(kind: type[Exception]) -> Exception:
    """Return an error of this kind with every attribute that a response may need."""
    error = kind.__new__(kind, "A sentence.")
    if isinstance(error, HTTPException):
        HTTPException.__init__(error, detail="A sentence.", headers={"allow": "GET"})
    vars(error).update(details={}, wanted="application/json", accepted="gzip")
    if isinstance(error, RateLimited):
        error.retry_after = 7
    return error
