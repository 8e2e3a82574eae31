"""Cross-origin requests (https://fetch.spec.whatwg.org/#http-cors-protocol).

Litestar has its own; it leaves ``Vary`` out where an origin is missing or refused, which lets a
shared cache answer one site with what was meant for another, and its refusals are no JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any, Final

import attrs
import msgspec
from litestar.types import ASGIApp, Message, Receive, Send

from domain.shared.errors import OriginRefused
from entrypoints.http.middleware.administrative import is_same_origin
from entrypoints.http.middleware.headers import header
from entrypoints.http.middleware.limits import HEADERS
from entrypoints.http.middleware.request_id import request_id
from entrypoints.http.requests.idempotency import REPLAYED
from entrypoints.settings.origins import EVERY, matcher

_Headers = list[tuple[bytes, bytes]]

_EXPOSED: Final = ", ".join(("X-Request-Id", "Retry-After", REPLAYED, *HEADERS)).encode()
_METHODS: Final = b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_MAX_AGE: Final = b"600"
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VARY: Final = (b"vary", b"Origin")
OTHER_PAGE: Final = "other_page"
"""Where a request's state says whether it is of a page that may not use administrative routes."""
_NOT_ALLOWED: Final = (
    "Pages of this origin may not use the service; CORS_ALLOW_ORIGINS names those that may."
)
_NOT_NAMED: Final = (
    "Pages of this origin may not use this route, which configures the service. Send the request "
    "from a server, or name the origin in CORS_ALLOW_ORIGINS (its * does not count here)."
)


@attrs.frozen
class Cors:
    """An ASGI application around ``app``: answers preflights, and lets origins read answers.

    ``origins`` are as ``parse_origin`` returns them. Cookies are not
    supported, as API keys come in headers; so ``*`` needs no origin in the answer. Paths that
    ``is_administrative`` are for pages of this service and of the other ``origins``: for these
    paths ``*`` stands for none, and requests of other pages are refused.
    """

    app: ASGIApp
    origins: Collection[str]
    is_administrative: Callable[[str], bool]
    _every: bool = attrs.field(init=False)
    _allows: Callable[[str], bool] = attrs.field(init=False)
    _names: Callable[[str], bool] = attrs.field(init=False)

    @_every.default
    def _allows_every_origin(self) -> bool:
        return EVERY in self.origins

    @_allows.default
    def _matcher(self) -> Callable[[str], bool]:
        return matcher(self.origins)

    @_names.default
    def _matcher_without_every(self) -> Callable[[str], bool]:
        return matcher([origin for origin in self.origins if origin != EVERY])

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request."""
        origin = header(scope, b"origin") if scope["type"] == "http" else b""
        if scope["type"] != "http" or (self._every and not origin):
            await self.app(scope, receive, send)
        elif origin and self.is_administrative(scope["path"]) and not self._names_origin(origin):
            if is_same_origin(scope, origin):
                await self.app(scope, receive, send)
            else:
                await _refuse(scope, send, _NOT_NAMED)
        elif origin and scope["method"] == "OPTIONS":
            await self._preflight(scope, origin, send)
        else:
            if origin:
                scope.setdefault("state", {})[OTHER_PAGE] = not self._may_configure(scope, origin)
            added = self._answer_headers(origin)

            async def adding(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message.get("headers", ()), *added]
                await send(message)

            await self.app(scope, receive, adding)

    def _may_configure(self, scope: Any, origin: bytes) -> bool:
        """Whether pages of ``origin`` may use administrative routes."""
        return self._names_origin(origin) or is_same_origin(scope, origin)

    def _names_origin(self, origin: bytes) -> bool:
        return self._names(origin.decode("latin-1"))

    def _answer_headers(self, origin: bytes) -> _Headers:
        if not origin or not self._allows(origin.decode("latin-1")):
            return [_VARY]
        return [*self._allowed(origin), (b"access-control-expose-headers", _EXPOSED)]

    def _allowed(self, origin: bytes) -> _Headers:
        if self._every:
            return [(b"access-control-allow-origin", b"*")]
        return [(b"access-control-allow-origin", origin), _VARY]

    async def _preflight(self, scope: Any, origin: bytes, send: Send) -> None:
        if not self._allows(origin.decode("latin-1")):
            await _refuse(scope, send, _NOT_ALLOWED)
            return
        asked = header(scope, b"access-control-request-headers").split(b",")
        allowed = [name.strip() for name in asked if _TOKEN.fullmatch(name.strip())]
        headers: _Headers = [
            *self._allowed(origin),
            (b"vary", b"Access-Control-Request-Headers"),
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-max-age", _MAX_AGE),
        ]
        if allowed:
            headers.append((b"access-control-allow-headers", b", ".join(allowed)))
        await _send(send, HTTPStatus.NO_CONTENT, headers, b"")


async def _refuse(scope: Any, send: Send, reason: str) -> None:
    scope.setdefault("state", {})  # as Litestar does, which is not reached
    error = {
        "error": reason,
        "code": OriginRefused.code,
        "requestId": request_id(scope),
    }
    body = b"" if scope["method"] == "HEAD" else msgspec.json.encode(error)
    headers: _Headers = [(b"content-type", b"application/json"), _VARY]
    is_preflight = scope["method"] == "OPTIONS"
    status = HTTPStatus.BAD_REQUEST if is_preflight else HTTPStatus.FORBIDDEN
    await _send(send, status, headers, body)


async def _send(send: Send, status: HTTPStatus, headers: _Headers, body: bytes) -> None:
    if status != HTTPStatus.NO_CONTENT:
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
