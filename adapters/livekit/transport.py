"""livekit-api's Twirp client over the process's own pool of connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import copy
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from google.protobuf.message import Message
from livekit.api import ServerError, ServerErrorCode
from livekit.api.twirp_client import TwirpClient

from adapters.livekit.http import HttpPool, Response
from adapters.livekit.pieces import pieces

if TYPE_CHECKING:
    import aiohttp

ResponseMessage = TypeVar("ResponseMessage", bound=Message)

_PACKAGE: Final = "livekit"
_PROTOBUF: Final = "application/protobuf"
_JSON: Final = "application/json"
_PIECE: Final = 100
_REDIRECTS: Final = (301, 302, 307, 308)
"""RFC 9110 §15.4: the request was not carried out. After a 303 it may have been."""
_PLAIN_ERRORS: Final = (401, 403, 408, 429)
"""Statuses that mean the same without Twirp's JSON; livekit-server's 401 is plain text."""


class UnexpectedResponse(Exception):
    """The response is not one of LiveKit's API; the message says what it is instead."""


class Redirected(Exception):
    """The server redirects to ``target``, an origin (empty if the response names none)."""

    def __init__(self, status: int, target: str) -> None:
        super().__init__(f"HTTP {status} to {target or 'an unknown address'}")
        self.status, self.target = status, target


class PoolTransport(TwirpClient):
    """Send the requests of livekit-api's services over a :class:`HttpPool`, each of them once.

    It replaces livekit-api's own ``request``, which sends by aiohttp and replays a request that
    failed ("failover"): a second CreateDispatch would be a second agent.

    Args:
        url: LiveKit's URL (ws, wss, http or https).
        make_pool: Makes the pool for an http or https URL when the transport is opened.
        watch: Makes the block that each request is sent in, which sees what the request raises.

    Raises:
        ValueError: ``url`` has another scheme. Such a request must not be sent over plain HTTP,
            which would disclose the API token.
    """

    def __init__(
        self,
        url: str,
        make_pool: Callable[[str], HttpPool],
        watch: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        no_session = cast("aiohttp.ClientSession", None)  # only the replaced method uses one
        super().__init__(no_session, url, _PACKAGE, failover=False)
        if urlsplit(self.host).scheme not in {"http", "https"}:
            raise ValueError(f"'{urlsplit(url).scheme}' is not a scheme of a LiveKit server's URL.")
        self._make_pool, self._watch = make_pool, watch
        self._pool: HttpPool | None = None
        self._take: Callable[[Any], None] | None = None

    def open(self) -> None:
        """Make the pool; it connects when it is first used, so that LiveKit may start later."""
        self._pool = self._make_pool(self.host)

    def close(self) -> None:
        """Close every connection. Closing twice is fine."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def in_parts(self, take: Callable[[Any], None]) -> PoolTransport:
        """Return a transport over the same pool for a response that is a long list.

        It passes the response to ``take`` in messages of a hundred entries each, lets other
        tasks run between them, and returns an empty response in the end.
        """
        transport = copy(self)
        transport._take = take
        return transport

    async def request(  # noqa: PLR0913 - livekit-api's signature
        self,
        service: str,
        method: str,
        data: Message,
        headers: dict[str, str],
        response_class: type[ResponseMessage],
        *,
        timeout: aiohttp.ClientTimeout | None = None,  # noqa: ASYNC109 - as above
    ) -> ResponseMessage:
        """Return LiveKit's response to ``data`` (https://twitchtv.github.io/twirp/docs/spec_v7.html).

        Raises what :func:`~adapters.livekit.errors.livekit_errors` translates, and
        :class:`RuntimeError` unless open. ``timeout.total`` replaces the pool's own total limit.
        """
        if self._pool is None:
            raise RuntimeError("The LiveKit client is not open.")
        name = f"{service}/{method}"
        with self._watch(name):
            response = await self._pool.post(
                f"/{self.prefix}/{self.pkg}.{name}",
                {**headers, "content-type": _PROTOBUF},
                data.SerializeToString(),
                timeout.total if timeout else None,
            )
            _check(response)
            if self._take is None:
                return response_class.FromString(bytes(response.body))
        for piece in pieces(response.body, _PIECE):
            self._take(response_class.FromString(piece))
            await asyncio.sleep(0)
        return response_class()


def _check(response: Response) -> None:
    """Raise unless ``response`` is a success, which is 200 with the request's content type."""
    if response.status == 200 and _media_type(response) == _PROTOBUF:
        return
    if response.status in _REDIRECTS:
        raise Redirected(response.status, _origin(response.location))
    if response.status >= 400:
        raise _error(response)
    raise _unexpected(response)


def _error(response: Response) -> ServerError | UnexpectedResponse:
    """Return Twirp's error, which is JSON. A proxy in front of LiveKit may send something else."""
    error: Any = None
    if _media_type(response) == _JSON:
        try:
            error = msgspec.json.decode(response.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            error = None
    elif response.status < 500 and response.status not in _PLAIN_ERRORS:
        return _unexpected(response)
    if not isinstance(error, dict):
        error = {}
    code, message = error.get("code", ServerErrorCode.UNKNOWN), error.get("msg", "")
    meta = error.get("meta")
    metadata = {key: str(value) for key, value in meta.items()} if isinstance(meta, dict) else {}
    return ServerError(str(code), str(message), status=response.status, metadata=metadata)


def _unexpected(response: Response) -> UnexpectedResponse:
    what = "".join(char for char in _media_type(response)[:60] if char.isprintable())
    return UnexpectedResponse(f"HTTP {response.status} with {what or 'no content type'}")


def _media_type(response: Response) -> str:
    """Return the content type without its parameters (RFC 9110 §8.3)."""
    return response.content_type.partition(";")[0].strip().lower()


def _origin(location: str) -> str:
    """Return scheme, host and port of ``location``: its path or query may carry a secret."""
    try:
        parts = urlsplit(location)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    host = "".join(char for char in parts.hostname or "" if char.isprintable())[:253]
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme or 'https'}://{host}{port}" if host else ""
