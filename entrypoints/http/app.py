"""The Litestar application around a container."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from application.settings import AppEnv
from domain.access.rate_limit import RateLimiter
from domain.shared.clock import Clock
from domain.shared.errors import DomainError
from entrypoints.container import Container
from entrypoints.http.agents import controller as agents
from entrypoints.http.api_keys import controller as api_keys
from entrypoints.http.calls import controller as calls
from entrypoints.http.calls import simulated
from entrypoints.http.console import controller as console
from entrypoints.http.console.files import console_asset, console_page
from entrypoints.http.events import controller as events
from entrypoints.http.events import stored
from entrypoints.http.inbox import controller as inbox
from entrypoints.http.inbox import entries
from entrypoints.http.json_response import JsonResponse
from entrypoints.http.middleware.access import Clients, admission
from entrypoints.http.middleware.errors import (
    on_domain_error,
    on_http_error,
    on_overload,
    on_unexpected_error,
)
from entrypoints.http.middleware.limits import Limits
from entrypoints.http.middleware.overload import OVERLOAD, Overload
from entrypoints.http.openapi.document import openapi_config, swagger_asset
from entrypoints.http.operations import controller as operations
from entrypoints.http.participants import controller as participants
from entrypoints.http.phone_numbers import controller as phone_numbers
from entrypoints.http.publishable_keys import controller as publishable_keys
from entrypoints.http.recordings import controller as recordings
from entrypoints.http.reports import controller as reports
from entrypoints.http.reports import otlp, post_report
from entrypoints.http.requests.json_request import MAX_BODY_BYTES, JsonRequest, Overloaded
from entrypoints.http.sessions import controller as sessions
from entrypoints.http.sessions import renew_token, token_endpoint
from entrypoints.http.sessions.documentation import amendments
from entrypoints.http.statistics import controller as statistics
from entrypoints.http.tickets import controller as tickets
from entrypoints.http.transcripts import controller as transcripts
from entrypoints.http.trunks import controller as trunks
from entrypoints.http.usage import controller as usage
from entrypoints.http.webhooks import controller as webhooks
from entrypoints.http.webhooks import deliveries
from entrypoints.settings import Settings

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

CAPABILITIES: Final[tuple[Callable[[Container], Router], ...]] = (
    sessions.routes,
    renew_token.routes,
    token_endpoint.routes,
    agents.routes,
    phone_numbers.routes,
    publishable_keys.routes,
    api_keys.routes,
    console.routes,
    tickets.routes,
    webhooks.routes,
    deliveries.routes,
    calls.routes,
    simulated.routes,
    transcripts.routes,
    usage.routes,
    statistics.routes,
    inbox.routes,
    entries.routes,
    events.routes,
    stored.routes,
    participants.routes,
    reports.routes,
    post_report.routes,
    otlp.routes,
    operations.routes,
    trunks.routes,
    recordings.routes,
)

FILES: Final = (swagger_asset, console_asset)


def create_app(container: Container, lifespan: Lifespan) -> Litestar:
    """The application; ``lifespan`` keeps the container running while it serves."""
    settings = container.settings()
    in_production = settings.app_env is AppEnv.PRODUCTION
    authenticate = container.authenticate()

    clients = Clients(
        container.authenticate_client(),
        container.authenticate_ticket(),
        container.console_sessions(),
        container.worker_verifier(),
    )
    limits = limits_of(settings, container.rate_limiter(), container.clock())

    return Litestar(
        route_handlers=[
            *(routes(container) for routes in CAPABILITIES),
            *FILES,
            console_page(settings.livekit_public_url),
        ],
        state=State({OVERLOAD: Overload(trusted_proxies=settings.trusted_proxies)}),
        before_request=admission(authenticate, clients, limits, in_production=in_production),
        lifespan=[lifespan],
        request_class=JsonRequest,
        response_class=JsonResponse,
        request_max_body_size=MAX_BODY_BYTES,
        exception_handlers={
            DomainError: on_domain_error,
            Overloaded: on_overload,
            HTTPException: on_http_error,
            Exception: on_unexpected_error,
        },
        openapi_config=openapi_config(amendments(settings)),
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
