"""The process's one client of the LiveKit API."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import aiohttp
from google.protobuf.message import Message
from livekit.api.twirp_client import TwirpClient

from adapters.livekit.tokens import TokenFactory

Answer = TypeVar("Answer", bound=Message)

_POOL_SIZE: Final = 100
_TOKEN_TTL: Final = timedelta(minutes=10)


class LiveKitClient:
    """livekit-api's Twirp client over one pool of connections.

    Its services, the layer above, sign each request's token by ``AccessToken``, which takes longer
    than all the rest that they do.

    ``async with`` opens and closes it, or :meth:`open` and :meth:`close` at the application's
    start and end, in the event loop that makes the calls. The SDK turns ``ws(s)://`` into
    ``http(s)://``.

    ``connect_limit`` bounds waiting for a connection, from the pool or made anew; ``total_limit``
    bounds a whole call. Nothing here repeats a request: the SDK's ``failover`` is off, and aiohttp
    sends a POST once.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: str,
        *,
        connect_limit: timedelta = timedelta(seconds=3),
        total_limit: timedelta = timedelta(seconds=10),
    ) -> None:
        self._url = url
        self._tokens = TokenFactory(api_key, api_secret)
        self._timeout = aiohttp.ClientTimeout(
            total=total_limit.total_seconds(), connect=connect_limit.total_seconds()
        )
        self._session: aiohttp.ClientSession | None = None
        self._twirp: TwirpClient | None = None

    async def call(
        self, method: str, request: Message, answer: type[Answer], **grants: str | bool
    ) -> Answer:
        """LiveKit's answer to ``request``; ``method`` is ``Service/Method`` of its API.

        ``grants`` are those that the method needs, by their names in the token's JSON. Raises what
        :func:`~adapters.livekit.errors.livekit_errors` knows, and :class:`RuntimeError` unless
        open.
        """
        if self._twirp is None:
            raise RuntimeError("The LiveKit client is not open.")
        service, _, name = method.partition("/")
        headers = {"authorization": f"Bearer {self._tokens.token(_TOKEN_TTL, grants)}"}
        return await self._twirp.request(service, name, request, headers, answer)

    async def open(self) -> None:
        """Make the pool; no connection yet, so that the service starts without LiveKit."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_POOL_SIZE),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        session = cast("aiohttp.ClientSession", _TimedSession(self._session, self._timeout))
        self._twirp = TwirpClient(session, self._url, "livekit", failover=False)

    async def close(self) -> None:
        """Close every connection. Closing twice is fine."""
        self._twirp = None
        if self._session is not None:
            await self._session.close()
            self._session = None

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


class _TimedSession:
    """As much of a session as the SDK uses, with a time-out that holds.

    The SDK passes ``timeout=None`` with most calls, which to aiohttp means none at all rather than
    the session's own (livekit-api 1.2.2, aiohttp 3.14): LiveKit could hang a call for ever.
    """

    def __init__(self, session: aiohttp.ClientSession, timeout: aiohttp.ClientTimeout) -> None:
        self._session = session
        self.timeout = timeout

    def post(
        self, url: str, *, timeout: aiohttp.ClientTimeout | None, **request: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._session.post(url, timeout=timeout or self.timeout, **request)
