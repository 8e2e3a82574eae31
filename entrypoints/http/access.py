"""Who may use which route.

Every route names what it needs (``needs=Scope…``) or that it is ``public=True``; one that does
neither needs a key of any scope.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.types import Scope as AsgiScope

from domain.access import EVERYTHING, Access, Scope
from domain.errors import Forbidden, Unauthenticated
from domain.use_cases.authenticate import Authenticate
from entrypoints.http.limits import Limits

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]

_STATE: Final = "access"


def admission(authenticate: Authenticate, limits: Limits | None, *, in_production: bool) -> Guard:
    """A guard of the whole application: the route's key, its limit, and its scope."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        needs = handler.opt
        if needs.get("public"):
            return
        hidden = in_production and bool(needs.get("hidden"))
        if hidden and not await authenticate.is_guarded():
            raise NotFoundException
        try:
            access = await authenticate(presented_key(connection))
        except Unauthenticated:
            if limits is not None:  # nor are keys to be guessed
                await limits(connection.scope, None)
            if hidden:
                raise NotFoundException from None
            raise
        if limits is not None:
            await limits(connection.scope, access)
        allowed: tuple[Scope, ...] = needs.get("needs", ())
        if allowed and not any(access.may(scope) for scope in allowed):
            wanted = " or ".join(allowed)
            raise Forbidden(f"This API key lacks the scope {wanted}.", scope=wanted)
        connection.scope["state"][_STATE] = access

    return guard


def presented_key(connection: Connection) -> str:
    """The key in ``X-API-Key`` or ``Authorization: Bearer …`` (RFC 6750); empty if none."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return connection.headers.get("x-api-key") or bearer


def access_of(scope: AsgiScope) -> Access:
    """What the one who asks may do and see.

    (Not injected: Litestar starts a group of tasks for two dependencies, which costs 70 µs.)
    """
    access: Access = scope["state"].get(_STATE, EVERYTHING)
    return access
