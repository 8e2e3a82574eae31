"""The simulator's server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from entrypoints.simulator.access import InvalidToken, grants_of
from entrypoints.simulator.chaos import Chaos
from entrypoints.simulator.control import Control
from entrypoints.simulator.dispatches import Dispatches
from entrypoints.simulator.egress import EgressService
from entrypoints.simulator.faults import FaultPlan
from entrypoints.simulator.listener import Listener
from entrypoints.simulator.services import AgentDispatchService, RoomService, methods
from entrypoints.simulator.sip import SipService
from entrypoints.simulator.twirp import JSON, PROTOBUF, TwirpError, bad_route, decode, encode
from entrypoints.simulator.webhooks import WebhookSender
from entrypoints.simulator.world import World

_MAX_BODY_BYTES: Final = 16 * 1024 * 1024


class Simulator:
    """Stands in for a LiveKit server: its API, its webhooks and, on order, its failures.

    It does not speak WebRTC signalling: no client can join with a token. Participants join by
    ``world.join``, agents because of ``workers``; from another process, by the routes of
    :mod:`entrypoints.simulator.control`, which need no key. Rooms are
    kept in memory. It starts once, by :meth:`start` or ``async with``.

    ``port`` 0 takes a free one. ``workers`` maps the agent names that workers have registered to
    the milliseconds after which their agents join. ``unknown_room_seconds`` is how long a request
    hangs for the dispatches of an unknown room, or for an egress that no service takes;
    ``webhook_retry_seconds`` is the wait before a webhook is first sent again. Without ``sip`` it
    answers as a server without Redis does.

    ``requests`` counts the API requests that arrived, by method (``CreateDispatch``); ``faults``
    says which of them go wrong, and ``webhooks.chaos`` how many by chance; ``listener`` can refuse
    connections.
    """

    def __init__(  # noqa: PLR0913 - each is a setting, by keyword
        self,
        api_key: str,
        api_secret: str,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        webhook_urls: Sequence[str] = (),
        workers: Mapping[str, int] | None = None,
        unknown_room_seconds: float = 3.0,
        webhook_retry_seconds: float = 1.0,
        sip: bool = True,
    ) -> None:
        self.webhooks = WebhookSender(webhook_urls, api_key, api_secret, webhook_retry_seconds)
        self.world = World(self.webhooks.notify)
        self.workers = dict(workers or {})
        self.faults = FaultPlan()
        self.requests: Counter[str] = Counter()
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        self.listener = Listener(app, host, port)
        self._host, self._api_key, self._api_secret = host, api_key, api_secret

        def chaos() -> Chaos:
            return self.webhooks.chaos

        self.egress = EgressService(
            self.world, self.webhooks.notify, connected=sip, patience=unknown_room_seconds
        )
        self._methods = methods(
            RoomService(self.world, chaos),
            AgentDispatchService(
                self.world, Dispatches(self.world, self.workers, chaos), unknown_room_seconds
            ),
            SipService(connected=sip),
            self.egress,
        )
        app.router.add_get("/", self._root)
        app.router.add_route("*", "/twirp/livekit.{service}/{method}", self._twirp)
        parts = (self.world, self.workers, self.faults, self.webhooks, self.requests)
        Control(*parts, self.listener, self.egress).add_to(app)

    @property
    def url(self) -> str:
        """Where it listens: ``ws://host:port``."""
        return f"ws://{self._host}:{self.listener.port}"

    async def start(self) -> None:
        """Begin to serve. Raises :class:`OSError` if the port is taken."""
        await self.webhooks.open()
        try:
            await self.listener.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop serving and forget every room."""
        await self.listener.stop()
        self.world.clear()
        await self.webhooks.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _root(self, _request: web.Request) -> web.Response:
        return web.Response(text="OK")  # livekit-server's health check

    async def _twirp(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.requests[method] += 1
        fault = self.faults.take(method) or self.webhooks.chaos.failure(method)
        if fault is None:
            return await self._answer(request)
        return await fault.inflict(request, lambda: self._answer(request))

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            authorization = request.headers.get("Authorization")
            grants = grants_of(authorization, self._api_key, self._api_secret)
            method = self._methods.get("{service}/{method}".format_map(request.match_info))
            if method is None:
                raise bad_route(request, f'no handler for path "{request.path}"')
            if request.method != "POST":
                message = f'unsupported method "{request.method}" (only POST is allowed)'
                raise bad_route(request, message)
            if request.content_type not in (JSON, PROTOBUF):
                message = f'unexpected Content-Type: "{request.content_type}"'
                raise bad_route(request, message)
            message_in = await decode(request, method.request)
            return encode(request, await method.answer(message_in, grants))
        except InvalidToken as error:
            return web.Response(status=401, text=str(error))
        except TwirpError as error:
            return error.response()
