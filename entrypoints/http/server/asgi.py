"""What granian runs in its worker process."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from litestar import Litestar
from litestar.types import ASGIApp

from domain.shared.errors import DomainError
from entrypoints.container import Container, serving
from entrypoints.http.app import create_app, limits_of
from entrypoints.http.middleware.administrative import administrative_paths
from entrypoints.http.middleware.cors import Cors
from entrypoints.http.middleware.large_answers import LargeAnswers
from entrypoints.http.middleware.limits import BYPASSED, can_be_bypassed
from entrypoints.http.middleware.overload import OVERLOAD
from entrypoints.http.middleware.refusals import Refusals
from entrypoints.http.middleware.request_log import RequestLog
from entrypoints.http.operations.controller import OPEN, guarded
from entrypoints.http.server.draining import at_stop, listen
from entrypoints.http.server.open_files import livekit_connections
from entrypoints.logging.setup import configure_logs
from entrypoints.settings import load_settings
from entrypoints.version import VERSION

log = structlog.get_logger()


def create() -> ASGIApp:
    """The application as the environment configures it."""
    settings = load_settings()
    configure_logs(settings.log_level)
    listen()
    container = Container(settings=settings, livekit_connections=livekit_connections(settings))
    tracing = container.tracing()

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        try:
            async with serving(container):
                log.info(
                    "serving", version=VERSION, host=settings.host, port=settings.port,
                    livekit=settings.livekit_url, storage=settings.storage,
                )  # fmt: skip
                if not await guarded(container.authenticate()):
                    log.warning("open to everybody", reason=OPEN)  # prose: ok
                if can_be_bypassed(settings.host, settings.trusted_proxies):
                    log.warning("limits can be bypassed", reason=BYPASSED)
                at_stop(container.event_stream().stop)
                _collect_garbage_less_often()
                yield
        except DomainError as error:
            sys.stderr.write(f"backend-livekit cannot start: {error}\n")
            raise
        finally:
            if tracing is not None:
                tracing.close()
        log.info("stopped")

    litestar = create_app(container, lifespan)
    app: ASGIApp = LargeAnswers(litestar, litestar.state[OVERLOAD])
    app = Cors(app, settings.cors_allow_origins, administrative_paths(litestar))
    limits = limits_of(settings, container.refusal_limiter(), container.clock())
    if limits is not None:
        app = Refusals(app, limits)
    return RequestLog(app, container.telemetry(), tracing)


def _collect_garbage_less_often() -> None:
    """Let no request wait while what has been there since the start is looked through again.

    (With the interpreter's own thresholds one request in a hundred waits three times as long as
    its neighbours: docs/performance.md.)
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    gc.enable()
