"""The process's one client of the LiveKit API."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, cast

import aiohttp
from livekit.api import LiveKitAPI

_POOL_SIZE = 100


class LiveKitClient:
    """One :class:`~livekit.api.LiveKitAPI` over one pool of connections.

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
        self._api_key = api_key
        self._api_secret = api_secret
        self._timeout = aiohttp.ClientTimeout(
            total=total_limit.total_seconds(), connect=connect_limit.total_seconds()
        )
        self._session: aiohttp.ClientSession | None = None
        self._api: LiveKitAPI | None = None

    @property
    def api(self) -> LiveKitAPI:
        """The SDK's client. Raises :class:`RuntimeError` unless open."""
        if self._api is None:
            raise RuntimeError("The LiveKit client is not open.")
        return self._api

    async def open(self) -> None:
        """Make the pool; no connection yet, so that the service starts without LiveKit."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_POOL_SIZE))
        session = cast("aiohttp.ClientSession", _TimedSession(self._session, self._timeout))
        self._api = LiveKitAPI(
            self._url, self._api_key, self._api_secret, session=session, failover=False
        )

    async def close(self) -> None:
        """Close every connection. Closing twice is fine."""
        self._api = None
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
