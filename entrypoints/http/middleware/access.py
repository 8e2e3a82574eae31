"""Access to routes.

Every route names what it needs (``needs=Scope…``) or that it is ``public=True``; one that does
neither needs a key of any scope. One that shows no tenant's data may be answered while the storage
cannot be read (``without_storage=True``): the key's access is then the one that was known last.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from litestar.exceptions import NotFoundException
from litestar.types import Scope as AsgiScope

from domain.access.access import Access, Scope
from domain.access.authenticate import Authenticate
from domain.shared.errors import StorageUnavailable, Unauthenticated
from entrypoints.http.middleware.errors import AnyRequest
from entrypoints.http.middleware.headers import header
from entrypoints.http.middleware.limits import Limits
from entrypoints.http.middleware.overload import CLIENT

BeforeRequest = Callable[[AnyRequest], Awaitable[None]]

_STATE: Final = "access"


def admission(
    authenticate: Authenticate, limits: Limits | None, *, in_production: bool
) -> BeforeRequest:
    """What each request must pass before its route: the key, the limit, and the scope.

    (No guard: Litestar copies the route's handler for each call of one, which takes 8 µs.)
    """

    async def admit(request: AnyRequest) -> None:
        needs = request.route_handler.opt
        if needs.get("public"):
            return
        hidden = in_production and bool(needs.get("hidden"))
        if hidden and not await authenticate.is_guarded():
            raise NotFoundException
        key = presented_key(request.scope)
        if limits is not None and limits.is_spent(request.scope) and not authenticate.knows(key):
            await limits(request.scope, None)  # which refuses before a guess is looked up
        try:
            access = await authenticate(key)
        except Unauthenticated:
            if limits is not None:  # nor are keys to be guessed
                await limits(request.scope, None)
            if hidden:
                raise NotFoundException from None
            raise
        except StorageUnavailable:
            known = authenticate.last_known(key) if needs.get("without_storage") else None
            if known is None:
                raise
            access = known
        if limits is not None:
            await limits(request.scope, access)
        allowed: tuple[Scope, ...] = needs.get("needs", ())
        if allowed:
            access.require(*allowed)
        request.scope["state"][_STATE] = access
        request.scope["state"][CLIENT] = access.tenant

    return admit


def presented_key(scope: AsgiScope) -> str:
    """The key in ``X-API-Key`` or ``Authorization: Bearer …`` (RFC 6750); empty if none."""
    scheme, _, token = header(scope, b"authorization").decode("latin-1").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return header(scope, b"x-api-key").decode("latin-1") or bearer


def access_of(scope: AsgiScope) -> Access:
    """Return the access that the request was granted."""
    access: Access = scope["state"][_STATE]
    return access
