"""The Litestar application around a container."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Final

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from application.settings import AppEnv
from domain.access.rate_limit import RateLimiter
from domain.shared.clock import Clock
from domain.shared.errors import DomainError
from entrypoints.container import Container
from entrypoints.http.calls.controller import call_by_id, call_by_room, list_calls
from entrypoints.http.inbox.controller import livekit_webhook
from entrypoints.http.middleware.access import admission
from entrypoints.http.middleware.errors import (
    on_domain_error,
    on_http_error,
    on_overload,
    on_unexpected_error,
)
from entrypoints.http.middleware.limits import Limits
from entrypoints.http.middleware.overload import OVERLOAD, Overload
from entrypoints.http.openapi.document import openapi_config, swagger_asset
from entrypoints.http.operations.health import alive, health, ready, ready_without_body, service
from entrypoints.http.operations.metrics import metrics
from entrypoints.http.requests.json_request import MAX_BODY_BYTES, JsonRequest, Overloaded
from entrypoints.http.sessions.controller import (
    end_session,
    list_sessions,
    session_by_id,
    session_by_room,
    start_session,
)
from entrypoints.settings import Settings

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

_PARAMETER_TYPE: Final = re.compile(r":\w+(?=})")
HANDLERS: Final = (
    start_session,
    end_session,
    health,
    ready,
    service,
    alive,
    ready_without_body,
    swagger_asset,
    livekit_webhook,
    metrics,
    list_sessions,
    session_by_id,
    session_by_room,
    list_calls,
    call_by_id,
    call_by_room,
)


def create_app(container: Container, lifespan: Lifespan) -> Litestar:
    """The application; ``lifespan`` keeps the container running while it serves."""
    settings = container.settings()
    in_production = settings.app_env is AppEnv.PRODUCTION
    authenticate = container.authenticate()

    limits = limits_of(settings, container.rate_limiter(), container.clock())

    async def routes() -> dict[str, str]:
        hidden = in_production and not await authenticate.is_guarded()
        return _routes(
            handler for handler in HANDLERS if not (hidden and handler.opt.get("hidden"))
        )

    return Litestar(
        route_handlers=HANDLERS,
        state=State({OVERLOAD: Overload(trusted_proxies=settings.trusted_proxies)}),
        before_request=admission(authenticate, limits, in_production=in_production),
        lifespan=[lifespan],
        request_class=JsonRequest,
        request_max_body_size=MAX_BODY_BYTES,
        dependencies={
            "start_session": _provide(container.start_session_once),
            "end_session": _provide(container.end_session),
            "read_sessions": _provide(container.read_sessions),
            "read_calls": _provide(container.read_calls),
            "receive_webhook": _provide(container.receive_webhook),
            "readiness": _provide(container.recent_readiness),
            "clock": _provide(container.clock),
            "telemetry": _provide(container.telemetry),
            "censor": _provide(container.censor),
            "authenticate": _provide(lambda: authenticate),
            "routes": Provide(routes),
        },
        exception_handlers={
            DomainError: on_domain_error,
            Overloaded: on_overload,
            HTTPException: on_http_error,
            Exception: on_unexpected_error,
        },
        openapi_config=openapi_config(),
        logging_config=None,
    )


def limits_of(settings: Settings, limiter: RateLimiter, clock: Clock) -> Limits | None:
    """What counts requests; None if they are not limited."""
    if settings.rate_limit_per_minute is None:
        return None
    return Limits(
        limiter=limiter,
        clock=clock,
        per_minute=settings.rate_limit_per_minute,
        trusted_proxies=settings.trusted_proxies,
    )


def _provide(make: Callable[[], object]) -> Provide:
    def call() -> object:  # Litestar reads its signature; the container's providers have none
        return make()

    return Provide(call, sync_to_thread=False)


def _routes(handlers: Iterable[HTTPRouteHandler]) -> dict[str, str]:
    """``{"POST /session": "Start a session…"}`` for what the documentation shows."""
    return {
        f"{min(handler.http_methods)} {_PARAMETER_TYPE.sub('', path)}": handler.summary or ""
        for handler in handlers
        if handler.summary
        for path in sorted(handler.paths)
    }
