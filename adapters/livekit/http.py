"""HTTP/1.1 (RFC 9112) to one server: a pool of connections over httptools' parser.

An all-purpose client costs as much as everything else that starting a session does
(docs/performance.md); this one sends POST requests to one address and follows no redirect.
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
"""What lies between may forget a connection that is idle for longer, and tells nobody."""
_NEXT_ADDRESS_SECONDS: Final = 0.25
"""How long an address is tried alone (RFC 8305 §5, Connection Attempt Delay)."""


class NotConnected(ConnectionError):
    """No connection could be had, so that nothing was sent."""


class Broken(Exception):
    """The connection ended, or what came is no HTTP, before the request was answered."""


@attrs.define
class Answer:
    """What the server has answered; ``content_type`` and ``location`` are empty if absent."""

    status: int
    body: bytes | bytearray
    content_type: str = ""
    location: str = ""


class HttpPool:
    """Connections to the server at ``url`` (http or https), made when needed, up to a limit.

    ``connect_limit`` bounds waiting for one, ``total_limit`` that and waiting for the answer. A
    request is sent once: what becomes of it on a connection that breaks, nobody knows.
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
    ) -> Answer:
        """Return the server's answer. ``total_limit`` (seconds) replaces the pool's own.

        Raises :class:`NotConnected`, :class:`Broken`, or :class:`TimeoutError`: it was sent, and
        nobody knows what becomes of it.
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
            connection = self._idle_one() or await self._connect(deadline)
            return await connection.answer_to(request, deadline)
        finally:
            if connection is not None and connection.is_reusable:
                self._idle.append(connection)
            elif connection is not None:
                connection.abort()
            self._free.release()

    def close(self) -> None:
        """Close the connections that are idle."""
        while self._idle:
            self._idle.pop().abort()

    def _idle_one(self) -> _Connection | None:
        oldest = asyncio.get_running_loop().time() - _IDLE_LIMIT_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    def _patience(self, deadline: float) -> asyncio.Timeout:
        """For one step towards a connection; a request is not sent after ``deadline``."""
        limit = asyncio.get_running_loop().time() + self._connect_limit
        return asyncio.timeout_at(min(limit, deadline))

    async def _wait(self, deadline: float) -> None:
        try:
            async with self._patience(deadline):
                await self._free.acquire()
        except TimeoutError as error:
            raise NotConnected("Every connection is in use.") from error

    async def _connect(self, deadline: float) -> _Connection:
        try:
            async with self._patience(deadline):
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
        self._answer: asyncio.Future[Answer] | None = None
        self._body = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self.is_reusable = False
        self.idle_since = 0.0

    async def answer_to(self, request: bytes, deadline: float) -> Answer:
        """The answer to ``request``. Raises :class:`Broken`, or :class:`TimeoutError` when the
        event loop's clock is at ``deadline``.
        """
        loop = asyncio.get_running_loop()
        self.is_reusable = False
        self._answer = loop.create_future()
        # A third of what asyncio.timeout costs, which can interrupt anything.
        timer = loop.call_at(deadline, self._fail, TimeoutError())
        try:
            self._transport.write(request)
            return await self._answer
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
            self._fail(Broken(f"The answer is no HTTP ({error})."))
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_reusable = False
        self._fail(Broken("The connection was closed." if exc is None else f"{exc}"))

    def on_message_begin(self) -> None:
        """httptools: an answer begins."""
        self._headers.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one of its headers."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """httptools: some of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """httptools: the answer is complete, or an interim one (RFC 9110 §15.2)."""
        status, body = self._parser.get_status_code(), self._body
        self._body = bytearray()  # the other one is handed on: a copy could be megabytes
        if status < 200:
            return
        if self._answer is None or self._answer.done():
            self.abort()  # nobody has asked for this
            return
        self.is_reusable = self._parser.should_keep_alive()
        self.idle_since = asyncio.get_running_loop().time()
        self._answer.set_result(
            Answer(status, body, self._header(b"content-type"), self._header(b"location"))
        )

    def _header(self, name: bytes) -> str:
        return self._headers.get(name, b"").decode("latin-1")

    def _fail(self, error: Broken | TimeoutError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
