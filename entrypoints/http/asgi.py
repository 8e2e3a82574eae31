"""What granian runs in its worker process."""

from __future__ import annotations

import ctypes
import gc
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from litestar import Litestar

from domain.errors import DomainError
from entrypoints.container import Container, serving
from entrypoints.http.app import create_app
from entrypoints.http.health import OPEN, guarded
from entrypoints.logs import configure_logs
from entrypoints.settings import load_settings
from entrypoints.version import VERSION

_PR_SET_PDEATHSIG = 1  # prctl(2)

log = structlog.get_logger()


def create() -> Litestar:
    """The application as the environment configures it."""
    configure_logs()
    _end_with_parent()
    container = Container(settings=load_settings())

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        settings = container.settings()
        try:
            async with serving(container):
                log.info(
                    "serving", version=VERSION, host=settings.host, port=settings.port,
                    livekit=settings.livekit_url, storage=settings.storage,
                )  # fmt: skip
                if not await guarded(container.authenticate()):
                    log.warning("open to everybody", reason=OPEN)
                _collect_garbage_less_often()
                yield
        except DomainError as error:
            sys.stderr.write(f"backend-livekit cannot start: {error}\n")
            raise
        log.info("stopped")

    return create_app(container, lifespan)


def _collect_garbage_less_often() -> None:
    """Let no request wait while what has been there since the start is looked through again.

    (With the interpreter's own thresholds one request in a hundred waits three times as long as
    its neighbours: docs/performance.md.)
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _end_with_parent() -> None:
    """Let no worker outlive a killed parent and go on holding the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
