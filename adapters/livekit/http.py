"""HTTP/1.1 (RFC 9112) to one server: a pool of connections over httptools' parser.

A general HTTP client takes as much CPU as the rest of starting a session
(docs/decisions/0011-livekit-transport.md). This one sends POST requests to one server and follows no
redirect.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, cast
from urllib.parse import urlsplit

import aiohappyeyeballs
import attrs
import httptools

CONNECTIONS: Final = 100
_IDLE_LIMIT_SECONDS: Final = 15.0
"""A proxy or firewall may drop a connection that is idle for longer without closing it."""
_NEXT_ADDRESS_SECONDS: Final = 0.25
"""When the next address is tried too (RFC 8305 §5, Connection Attempt Delay)."""


class NotConnected(ConnectionError):
    """There was no connection, so nothing was sent."""


class Broken(Exception):
    """The connection ended, or sent what is not HTTP, before the response was complete."""


@attrs.define
class Response:
    """The server's response; ``content_type`` and ``location`` are empty if absent."""

    status: int
    body: bytes | bytearray
    content_type: str = ""
    location: str = ""


class HttpPool:
    """Connections to the server at ``url`` (http or https), made when needed, up to a limit.

    ``connect_limit`` bounds the wait for a connection, ``total_limit`` that and the wait for the
    response. A request is sent once: if its connection breaks, it may have been carried out.
    """

    def __init__(
        self,
        url: str,
        connect_limit: timedelta,
        total_limit: timedelta,
        connections: int = CONNECTIONS,
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = _tls() if parts.scheme == "https" else None
        self._start = f"POST {parts.path.rstrip('/')}"
        self._rest = f" HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
        self._connect_limit = connect_limit.total_seconds()
        self._total_limit = total_limit.total_seconds()
        self._idle: list[_Connection] = []
        self._free = asyncio.Semaphore(connections)

    async def post(
        self,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        total_limit: float | None = None,
    ) -> Response:
        """Return the server's response. ``total_limit`` (seconds) replaces the pool's own.

        Raises:
            NotConnected: The request was not sent.
            Broken: The request was sent and may have been carried out.
            TimeoutError: The request was sent and may still be carried out.
        """
        limit = self._total_limit if total_limit is None else total_limit
        deadline = asyncio.get_running_loop().time() + limit
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"{self._start}{path}{self._rest}{lines}content-length: {len(body)}\r\n\r\n"
        request = head.encode() + body
        if self._free.locked():
            await self._wait(deadline)
        else:
            await self._free.acquire()
        connection: _Connection | None = None
        try:
            connection = self._idle_connection() or await self._connect(deadline)
            return await connection.send(request, deadline)
        finally:
            if connection is not None and connection.is_reusable:
                self._idle.append(connection)
            elif connection is not None:
                connection.abort()
            self._free.release()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().abort()

    def _idle_connection(self) -> _Connection | None:
        oldest = asyncio.get_running_loop().time() - _IDLE_LIMIT_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    def _time_limit(self, deadline: float) -> asyncio.Timeout:
        """Bound one step towards a connection; a request is not sent after ``deadline``."""
        limit = asyncio.get_running_loop().time() + self._connect_limit
        return asyncio.timeout_at(min(limit, deadline))

    async def _wait(self, deadline: float) -> None:
        try:
            async with self._time_limit(deadline):
                await self._free.acquire()
        except TimeoutError as error:
            raise NotConnected("Every connection is in use.") from error

    async def _connect(self, deadline: float) -> _Connection:
        try:
            async with self._time_limit(deadline):
                return await self._connect_to_any_address()
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            raise NotConnected(f"No connection ({type(error).__name__}).") from error

    async def _connect_to_any_address(self) -> _Connection:
        """Connect to the first address of the host that accepts (RFC 8305, Happy Eyeballs).

        Not ``create_connection(happy_eyeballs_delay=…)``, which uvloop does not have.
        """
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        connected = await aiohappyeyeballs.start_connection(
            addresses, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, interleave=1
        )
        try:
            _, connection = await loop.create_connection(
                _Connection,
                sock=connected,
                ssl=self._tls,
                server_hostname=self._host if self._tls else None,
            )
        except BaseException:
            connected.close()
            raise
        return connection


class _Connection(asyncio.Protocol):
    """One connection; ``httptools`` calls its ``on_…`` methods."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._response: asyncio.Future[Response] | None = None
        self._body = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self.is_reusable = False
        self.idle_since = 0.0

    async def send(self, request: bytes, deadline: float) -> Response:
        """Return the response to ``request``.

        Raises :class:`Broken`, or :class:`TimeoutError` when the event loop's clock is at
        ``deadline``.
        """
        loop = asyncio.get_running_loop()
        self.is_reusable = False
        self._response = loop.create_future()
        # Takes a third of the time of asyncio.timeout, which can interrupt anything.
        timer = loop.call_at(deadline, self._fail, TimeoutError())
        try:
            self._transport.write(request)
            return await self._response
        finally:
            timer.cancel()

    def abort(self) -> None:
        """Close without waiting for anything."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(Broken(f"The response is not HTTP ({error})."))
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_reusable = False
        self._fail(Broken("The connection was closed." if exc is None else f"{exc}"))

    def on_message_begin(self) -> None:
        """httptools: a response begins."""
        self._headers.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header of the response."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """httptools: a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """httptools: the response, or an interim one (RFC 9110 §15.2), is complete."""
        status, body = self._parser.get_status_code(), self._body
        self._body = bytearray()  # the response keeps the other: a copy could be megabytes
        if status < 200:
            return
        if self._response is None or self._response.done():
            self.abort()  # no request is waiting for it
            return
        self.is_reusable = self._parser.should_keep_alive()
        self.idle_since = asyncio.get_running_loop().time()
        self._response.set_result(
            Response(status, body, self._header(b"content-type"), self._header(b"location"))
        )

    def _header(self, name: bytes) -> str:
        return self._headers.get(name, b"").decode("latin-1")

    def _fail(self, error: Broken | TimeoutError) -> None:
        if self._response is not None and not self._response.done():
            self._response.set_exception(error)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
