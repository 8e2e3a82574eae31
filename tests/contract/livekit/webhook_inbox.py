"""Somebody whom webhooks are sent to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
from aiohttp import web
from livekit.api import TokenVerifier, WebhookEvent, WebhookReceiver

from entrypoints.simulator.server import Simulator
from tests.contract.livekit.conftest import until
from tests.livekit_server import API_KEY, API_SECRET, free_port


@attrs.define
class Inbox:
    """An HTTP server that takes webhooks; answers ``statuses`` first, then ``status``."""

    url: str
    requests: list[tuple[dict[str, str], str]] = attrs.field(factory=list)
    statuses: list[int] = attrs.field(factory=list)
    status: int = 200

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.text()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else self.status)

    @property
    def events(self) -> list[WebhookEvent]:
        """What arrived; raises unless every one was signed with the key."""
        receiver = WebhookReceiver(TokenVerifier(API_KEY, API_SECRET))
        return [receiver.receive(body, headers["Authorization"]) for headers, body in self.requests]

    @property
    def ids(self) -> list[str]:
        """The ids of what arrived."""
        return [event.id for event in self.events]

    async def wait_for(self, count: int) -> None:
        async def arrived() -> bool:
            return len(self.requests) >= count

        await until(arrived)


@asynccontextmanager
async def open_inbox() -> AsyncIterator[Inbox]:
    """One that listens for the length of a block."""
    port = free_port()
    inbox = Inbox(f"http://127.0.0.1:{port}/hook")
    app = web.Application()
    app.router.add_post("/hook", inbox.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield inbox
    await runner.cleanup()


def simulator_posting_to(inbox: Inbox) -> Simulator:
    """A simulator that is quick to try again."""
    return Simulator(API_KEY, API_SECRET, webhook_urls=[inbox.url], webhook_retry_seconds=0.01)
