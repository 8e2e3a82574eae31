"""The process's one client of the LiveKit API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import msgspec
from google.protobuf.message import Message

from adapters.livekit.http import CONNECTIONS, HttpPool
from adapters.livekit.http import Answer as HttpAnswer
from adapters.livekit.pieces import pieces
from adapters.livekit.tokens import TokenFactory

Answer = TypeVar("Answer", bound=Message)

_TOKEN_TTL: Final = timedelta(minutes=10)
_PROTOBUF: Final = "application/protobuf"
_PIECE: Final = 500
_REDIRECTS: Final = (301, 302, 307, 308)
"""RFC 9110 §15.4: what was asked for was not done. After a 303 it may have been."""
_SCHEMES: Final = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


class TwirpError(Exception):
    """LiveKit has refused a request or failed at it (https://twitchtv.github.io/twirp/, errors).

    ``code`` is Twirp's word for it, ``status`` HTTP's.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code} (HTTP {status}): {message}")
        self.status, self.code, self.message = status, code, message


class UnexpectedAnswer(Exception):
    """What came is no answer of LiveKit's API; the message says what it is instead."""


class Redirected(Exception):
    """The server sends its callers to ``target``, an origin (empty if it does not say which)."""

    def __init__(self, status: int, target: str) -> None:
        super().__init__(f"HTTP {status} to {target or 'an unknown address'}")
        self.status, self.target = status, target


class LiveKitClient:
    """livekit-api's messages over one pool of connections.

    (Its own services sign by ``AccessToken`` and send by aiohttp: together four times the work,
    and importing them is a tenth of the service's start.)
    ``async with`` opens and closes it, or :meth:`open` and :meth:`close` at the application's
    start and end.

    ``connect_limit`` bounds waiting for a connection, from the pool or made anew; ``total_limit``
    bounds a whole call, ``connections`` how many there are. Nothing here repeats a request.
    ``watch`` makes the block that each call of a method is in, which sees what it raises.
    """

    def __init__(  # noqa: PLR0913 - whom to speak to, how patiently, who watches, and the time
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
        self._url = _http(url)
        self._tokens = TokenFactory(api_key, api_secret, now)
        self._connect_limit = connect_limit
        self._total_limit = total_limit
        self._connections = connections
        self._watch = watch
        self._pool: HttpPool | None = None

    async def call(
        self, method: str, request: Message, answer: type[Answer], **grants: str | bool
    ) -> Answer:
        """LiveKit's answer to ``request``; ``method`` is ``Service/Method`` of its API (Twirp 7).

        ``grants`` are those that the method needs, by their names in the token's JSON. Raises what
        :func:`~adapters.livekit.errors.livekit_errors` knows, and :class:`RuntimeError` unless
        open.
        """
        with self._watch(method):
            return answer.FromString(bytes(await self._post(method, request, grants)))

    async def call_for_many(
        self, method: str, request: Message, answer: type[Answer], **grants: str | bool
    ) -> AsyncIterator[Answer]:
        """The same in parts, each with some hundreds of the entries of the list that is asked for.

        Other tasks have their turn between them.
        """
        with self._watch(method):
            body = await self._post(method, request, grants)
        for piece in pieces(body, _PIECE):
            yield answer.FromString(piece)
            await asyncio.sleep(0)

    async def _post(
        self, method: str, request: Message, grants: Mapping[str, str | bool]
    ) -> bytes | bytearray:
        """Return the encoded answer."""
        if self._pool is None:
            raise RuntimeError("The LiveKit client is not open.")
        headers = {
            "authorization": f"Bearer {self._tokens.token(_TOKEN_TTL, dict(grants))}",
            "content-type": _PROTOBUF,
        }
        found = await self._pool.post(
            f"/twirp/livekit.{method}", headers, request.SerializeToString()
        )
        _check(found)
        return found.body

    async def open(self) -> None:
        """Make the pool; no connection yet, so that the service starts without LiveKit."""
        self._pool = HttpPool(self._url, self._connect_limit, self._total_limit, self._connections)

    async def close(self) -> None:
        """Close every connection. Closing twice is fine."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

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


def _http(url: str) -> str:
    """Return ``url`` with the scheme of its API. Raises :class:`ValueError` for another scheme.

    An unknown scheme must not become plain HTTP, which would show the API token to others.
    """
    parts = urlsplit(url)  # which writes the scheme in small letters
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None:
        raise ValueError(f"'{parts.scheme}' is not a scheme of a LiveKit server's URL.")
    return parts._replace(scheme=scheme).geturl()


def _check(found: HttpAnswer) -> None:
    """Refuse what is no success, which Twirp sends as 200 with the request's content type."""
    content_type = found.content_type.partition(";")[0].strip().lower()
    if found.status in _REDIRECTS:
        raise Redirected(found.status, _origin(found.location))
    if found.status >= 400:
        raise _error(found.status, found.body)
    if found.status != 200 or content_type != _PROTOBUF:
        what = "".join(char for char in content_type[:60] if char.isprintable())
        raise UnexpectedAnswer(f"HTTP {found.status} with {what or 'no content type'}")


def _origin(location: str) -> str:
    """Scheme, host and port of ``location``: a path or query may carry a secret."""
    try:
        parts = urlsplit(location)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    host = "".join(char for char in parts.hostname or "" if char.isprintable())[:253]
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme or 'https'}://{host}{port}" if host else ""


def _error(status: int, body: bytes | bytearray) -> TwirpError:
    """Twirp's error, which is JSON whatever the request was; some proxy's has neither."""
    try:
        told: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    if not isinstance(told, dict):
        told = {}
    code, message = str(told.get("code", "unknown")), str(told.get("msg", ""))
    return TwirpError(status, code, message)
