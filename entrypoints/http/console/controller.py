"""POST, GET and DELETE /console/session."""

from __future__ import annotations

import ipaddress
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Controller, Request, Response, Router, delete, get, post
from litestar.types import Scope as AsgiScope

from application.settings import AppEnv
from domain.access.access import Scope
from domain.access.manage_console_sessions import ManageConsoleSessions
from domain.shared.errors import Unauthenticated
from entrypoints.container import Container
from entrypoints.http.console import documentation
from entrypoints.http.console.schemas import ConsoleSessionResponse, ConsoleState, signed_in
from entrypoints.http.middleware.access import presented_key
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.middleware.console_cookie import (
    presented_session,
    refuse_forgery,
    set_cookie,
)
from entrypoints.http.middleware.headers import header
from entrypoints.http.middleware.limits import client_address
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.routing import routes_of

NO_KEYS: Final = (
    "This service has no API key yet. Make one on its machine with `backend keys create NAME`, "
    "then sign in with it."
)
NOT_SIGNED_IN: Final = "Sign in with an API key."
EXPIRED: Final = "The session has ended, or its API key no longer works. Sign in again."
_UNCACHED: Final = {"Cache-Control": "no-store"}

AnyRequest = Request[Any, Any, Any]


def routes(container: Container) -> Router:
    """Return the routes, with the use case that they call."""
    settings = container.settings()
    return routes_of(
        ConsoleSessionController,
        _sessions=container.console_sessions,
        _trusted_proxies=lambda: settings.trusted_proxies,
        _in_production=lambda: settings.app_env is AppEnv.PRODUCTION,
    )


class ConsoleSessionController(Controller):
    """Sign in to the console and out of it."""

    path = "/console/session"
    tags = ("console",)
    opt = ADMINISTRATIVE

    _sessions: ManageConsoleSessions
    _trusted_proxies: int
    _in_production: bool

    @post(
        needs=tuple(Scope),
        security=documentation.KEY_ONLY,
        status_code=201,
        operation_class=Operation,
        summary="Exchange an API key for the console's cookie",
        responses=documentation.OPEN_RESPONSES,
    )
    async def open_console_session(self, scope: AsgiScope) -> Response[ConsoleSessionResponse]:
        """The key comes as on every route. The cookie (12 hours, HttpOnly, SameSite=Strict) then
        authenticates this service's own pages as the key would; requests that change something also
        need the header `X-Console: 1`. It ends when the key does.
        """
        key = presented_key(scope)
        if not key:
            raise Unauthenticated(
                "Send the API key as 'Authorization: Bearer <key>' or 'X-API-Key'."
            )
        opened = await self._sessions.open(key)
        headers = {**_UNCACHED, "Set-Cookie": set_cookie(scope, opened.text)}
        return Response(signed_in(opened), headers=headers, status_code=201)

    @get(
        public=True,
        operation_class=Operation,
        summary="The console's session",
        responses=documentation.READ_RESPONSES,
    )
    async def read_console_session(self, scope: AsgiScope) -> Response[ConsoleSessionResponse]:
        """Answers 200 also to a browser that is signed out; `reason` then says what to do."""
        return Response(await self._state(scope), headers=_UNCACHED, status_code=200)

    @delete(
        public=True,
        status_code=204,
        operation_class=Operation,
        summary="Remove the console's cookie",
        responses=documentation.CLOSE_RESPONSES,
    )
    async def close_console_session(self, scope: AsgiScope) -> Response[None]:
        """Signs this browser out. Revoke the key to end every session that it has opened."""
        refuse_forgery(scope, presented_session(scope))
        headers = {**_UNCACHED, "Set-Cookie": set_cookie(scope, "")}
        return Response(None, headers=headers, status_code=204)

    async def _state(self, scope: AsgiScope) -> ConsoleSessionResponse:
        if not await self._sessions.authenticate.is_guarded():
            if self._in_production or not self._is_on_this_machine(scope):
                return _signed_out(NO_KEYS)
            return ConsoleSessionResponse(state=ConsoleState.OPEN, scopes=sorted(Scope))
        text = presented_session(scope)
        if not text:
            return _signed_out(NOT_SIGNED_IN)
        try:
            return signed_in(await self._sessions.resume(text))
        except Unauthenticated:
            return _signed_out(EXPIRED)

    def _is_on_this_machine(self, scope: AsgiScope) -> bool:
        """Whether both the client and the name that it used for the service are loopback's.

        The name as well: a page elsewhere may have a name that resolves to 127.0.0.1.
        """
        try:
            name = urlsplit(b"//" + header(scope, b"host")).hostname or b""
        except ValueError:
            return False
        is_named = name == b"localhost" or _is_loopback(name.decode("latin-1"))
        return is_named and _is_loopback(client_address(scope, self._trusted_proxies))


def _signed_out(reason: str) -> ConsoleSessionResponse:
    return ConsoleSessionResponse(state=ConsoleState.SIGNED_OUT, reason=reason)


def _is_loopback(address: str) -> bool:
    try:
        # IPv6 clients are known by their networks.
        return ipaddress.ip_address(address.removesuffix("/64")).is_loopback or address == "::/64"
    except ValueError:
        return False
