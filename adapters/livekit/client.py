"""livekit-api's services, as this process uses them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Final, Self

from aiohttp import ClientTimeout
from livekit.api import ListRoomsResponse, SIPGrants, VideoGrants
from livekit.api._service import AUTHORIZATION, Service
from livekit.api.agent_dispatch_service import AgentDispatchService
from livekit.api.egress_service import EgressService
from livekit.api.room_service import RoomService
from livekit.api.sip_service import SipService
from livekit.protocol.egress import EgressInfo, RoomCompositeEgressRequest

from adapters.livekit.http import CONNECTIONS, HttpPool
from adapters.livekit.tokens import TokenFactory
from adapters.livekit.transport import PoolTransport

EGRESS_START_LIMIT: Final = timedelta(seconds=30)
_TOKEN_TTL: Final = timedelta(minutes=10)


class _PooledService(Service):
    """A service of livekit-api whose requests go over the pool, with tokens that cost less."""

    def __init__(self, transport: PoolTransport, tokens: TokenFactory) -> None:
        super().__init__(
            transport._session, transport.host, tokens.api_key, tokens.api_secret, failover=False
        )
        self._client = transport
        self._tokens = tokens

    def _auth_header(
        self, grants: VideoGrants | None, sip: SIPGrants | None = None
    ) -> dict[str, str]:
        token = self._tokens.access_token().with_ttl(_TOKEN_TTL)
        token.claims.video, token.claims.sip = grants, sip
        return {AUTHORIZATION: f"Bearer {token.to_jwt()}"}


class _Rooms(_PooledService, RoomService):
    pass


class _Dispatches(_PooledService, AgentDispatchService):
    pass


class _Egress(_PooledService, EgressService):
    async def start_room_composite_egress(self, start: RoomCompositeEgressRequest) -> EgressInfo:
        """Wait longer: livekit-server 1.13.5 answers after 25 s if no egress worker does."""
        return await self._client.request(
            "Egress",
            "StartRoomCompositeEgress",
            start,
            self._auth_header(VideoGrants(room_record=True)),
            EgressInfo,
            timeout=ClientTimeout(total=EGRESS_START_LIMIT.total_seconds()),
        )


class _Sip(_PooledService, SipService):
    pass


class LiveKitClient:
    """livekit-api's services over one pool of connections; nothing sends a request twice.

    ``async with`` opens and closes it, or :meth:`open` and :meth:`close` at the application's
    start and end. The services' methods raise what
    :func:`~adapters.livekit.errors.livekit_errors` translates.

    Args:
        url: LiveKit's URL (ws, wss, http or https).
        api_key: The key whose secret signs each request's token.
        api_secret: That secret.
        connect_limit: How long a request waits for a connection, a new one or the pool's.
        total_limit: How long a request takes, including that.
        connections: The pool's size.
        watch: Makes the block that each request is sent in, from ``Service/Method``.
        now: The Unix time by which tokens are signed.
    """

    def __init__(  # noqa: PLR0913 - the address, the limits and what observes the requests
        self,
        url: str,
        api_key: str,
        api_secret: str,
        *,
        connect_limit: timedelta = timedelta(seconds=3),
        total_limit: timedelta = timedelta(seconds=10),
        connections: int = CONNECTIONS,
        watch: Callable[[str], AbstractContextManager[object]] = nullcontext,
        now: Callable[[], float] = time.time,
    ) -> None:
        make_pool = partial(
            HttpPool, connect_limit=connect_limit, total_limit=total_limit, connections=connections
        )
        self._transport = PoolTransport(url, make_pool, watch)
        self._tokens = TokenFactory(api_key, api_secret, now)
        self.rooms: RoomService = _Rooms(self._transport, self._tokens)
        self.dispatches: AgentDispatchService = _Dispatches(self._transport, self._tokens)
        self.egress: EgressService = _Egress(self._transport, self._tokens)
        self.sip: SipService = _Sip(self._transport, self._tokens)

    def rooms_in_parts(self, take: Callable[[ListRoomsResponse], None]) -> RoomService:
        """Return a service whose ``list_rooms`` passes its response to ``take`` in parts.

        Decoding tens of thousands of rooms at once would hold up the event loop, and keeping them
        would take tens of megabytes. What ``list_rooms`` itself returns is empty.
        """
        return _Rooms(self._transport.in_parts(take), self._tokens)

    async def open(self) -> None:
        """Make the pool; no connection yet, so that the service starts without LiveKit."""
        self._transport.open()

    async def close(self) -> None:
        """Close every connection. Closing twice is fine."""
        self._transport.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
