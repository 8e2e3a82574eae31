"""A LiveKit server of a test's own, whose webhooks reach a service; workers that come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from pathlib import Path
from typing import Final

import attrs
import httpx
from livekit import api

from tests.databases import sqlite_in
from tests.live.conftest import AGENT_NAME, Worker, running_worker
from tests.livekit_server import DEPARTURE_SECONDS, LiveKitServer, free_port, livekit_server
from tests.service import Service, running

SCRIPTED_WORKER: Final = Path(__file__).with_name("scripted_worker.py")


@attrs.frozen(kw_only=True)
class Stage:
    """A LiveKit server, and the environment of the service that its webhooks reach."""

    server: LiveKitServer
    environ: dict[str, str]
    folder: Path

    def service(self, **environ: str) -> AbstractContextManager[Service]:
        """The service: it takes calls, and looks every second unless ``environ`` says otherwise."""
        return running({**self.environ, **environ}, self.folder)

    def worker(
        self, name: str = "worker", delay: float = 0, agent_name: str = AGENT_NAME
    ) -> AbstractContextManager[Worker]:
        """A worker, with this folder, whose agents take ``delay`` seconds until they join."""
        folder = self.folder / name
        folder.mkdir()
        environ = {**self.environ, "JOIN_DELAY_SECONDS": str(delay), "AGENT_NAME": agent_name}
        return running_worker(environ, folder, SCRIPTED_WORKER)

    @asynccontextmanager
    async def clients(
        self, service: Service
    ) -> AsyncIterator[tuple[httpx.AsyncClient, api.LiveKitAPI]]:
        """Clients of the service, and of LiveKit's own API."""
        server = self.server
        async with (
            httpx.AsyncClient(base_url=service.url, timeout=60) as http,
            api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit,
        ):
            yield http, livekit


@contextmanager
def stage(
    folder: Path, *, webhooks: bool = True, departure_seconds: int = DEPARTURE_SECONDS
) -> Iterator[Stage]:
    """A stage with nothing running on it but LiveKit."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/telephony/livekit-webhook"
    urls = [url] if webhooks else []
    with livekit_server(folder, webhook_urls=urls, departure_seconds=departure_seconds) as server:
        yield Stage(server=server, environ=environ_of(server, folder, port), folder=folder)


@attrs.frozen(kw_only=True)
class Staged:
    """A stage with a worker and a service on it."""

    stage: Stage
    worker: Worker
    service: Service

    def clients(self) -> AbstractAsyncContextManager[tuple[httpx.AsyncClient, api.LiveKitAPI]]:
        """Clients of the service, and of LiveKit's own API."""
        return self.stage.clients(self.service)


@contextmanager
def staged(
    folder: Path,
    *,
    delay: float = 0,
    webhooks: bool = True,
    departure_seconds: int = DEPARTURE_SECONDS,
) -> Iterator[Staged]:
    """A stage where everything runs; agents take ``delay`` seconds until they join."""
    with (
        stage(folder, webhooks=webhooks, departure_seconds=departure_seconds) as empty,
        empty.worker(delay=delay) as worker,
        empty.service() as service,
    ):
        yield Staged(stage=empty, worker=worker, service=service)


def environ_of(server: LiveKitServer, folder: Path, port: int) -> dict[str, str]:
    """The environment of a service at ``port`` that uses ``server``."""
    return {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
        "AGENT_NAME": AGENT_NAME,
        "PORT": str(port),
        "DATABASE_URL": sqlite_in(folder),
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "1",
    }
