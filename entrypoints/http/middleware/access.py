"""Access to routes.

Every route names what it needs (``needs=Scope…``) or that it is ``public=True``; one that does
neither needs a key of any scope. A publishable key or a ticket opens those that say
``takes_clients=True``, and no others; a worker's JWT opens those that say ``takes_workers=True``.
One that shows no tenant's data may be answered while the storage cannot be read
(``without_storage=True``): the key's access is then the one that was known last. Without a key, the
console's cookie stands for the key that it was exchanged for.

(No guard of Litestar's: it copies the route's handler for each call of one, which takes 8 µs.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import attrs
from litestar.exceptions import NotFoundException
from litestar.types import Scope as AsgiScope

from domain.access.access import Access
from domain.access.authenticate import Authenticate
from domain.access.authenticate_client import AuthenticateClient
from domain.access.authenticate_presented import CONSOLE
from domain.access.client_grant import ClientGrant
from domain.access.manage_console_sessions import ManageConsoleSessions
from domain.access.publishable_key import is_publishable
from domain.reports.worker_verifier import WorkerVerifier
from domain.shared.errors import Forbidden, StorageUnavailable, Unauthenticated
from domain.tickets.authenticate_ticket import AuthenticateTicket
from domain.tickets.ticket import Ticket, is_ticket
from entrypoints.http.middleware.console_cookie import presented_session, refuse_forgery
from entrypoints.http.middleware.errors import AnyRequest
from entrypoints.http.middleware.headers import header
from entrypoints.http.middleware.limits import Limits
from entrypoints.http.middleware.overload import CLIENT

BeforeRequest = Callable[[AnyRequest], Awaitable[None]]

_STATE: Final = "access"
_GRANT: Final = "client_grant"


@attrs.frozen
class Clients:
    """What authenticates browsers, and workers (None: none is known)."""

    authenticate_client: AuthenticateClient
    authenticate_ticket: AuthenticateTicket
    console_sessions: ManageConsoleSessions
    workers: WorkerVerifier | None = None

    async def resume(self, session: str) -> Access:
        """Return the access of a session of the console, as its use case does."""
        return await self.console_sessions.access(session)


def admission(
    authenticate: Authenticate, clients: Clients, limits: Limits | None, *, in_production: bool,
) -> BeforeRequest:  # fmt: skip
    """What each request must pass before its route: the key, the limit, and the scope.

    (No guard: Litestar copies the route's handler for each call of one, which takes 8 µs.)
    """

    async def admit(request: AnyRequest) -> None:
        needs = request.route_handler.opt
        if needs.get("public") or _admit_worker(request, clients.workers):
            return
        hidden = in_production and bool(needs.get("hidden"))
        if hidden and not await authenticate.is_guarded():
            raise NotFoundException
        key = presented_key(request.scope)
        if (is_publishable(key) or is_ticket(key)) and not authenticate.knows(key):
            await _admit_client(request, key, clients, limits)
            return
        session = "" if key else presented_session(request.scope)
        if limits is not None and not session:
            await _refuse_guess(request, key, authenticate, limits)
        try:
            access = await (clients.resume(session) if session else authenticate(key))
        except Unauthenticated:
            if limits is not None:  # nor are keys to be guessed
                await limits(request.scope, None)
            if hidden and not session:
                raise NotFoundException from None
            raise
        except StorageUnavailable:
            access = _last_known(authenticate, key, needs)
        if limits is not None:
            await limits(request.scope, access)
        refuse_forgery(request.scope, session)
        _grant(request, access)

    return admit


def _grant(request: AnyRequest, access: Access) -> None:
    """Note the access if it has the scope that the route needs. Raises ``Forbidden``."""
    if allowed := request.route_handler.opt.get("needs"):
        access.require(*allowed)
    state = request.scope["state"]
    state[_STATE], state[CLIENT] = access, access.tenant


async def _refuse_guess(
    request: AnyRequest, key: str, authenticate: Authenticate, limits: Limits
) -> None:
    """Refuse an unknown key of an address that is spent, before it is looked up."""
    if limits.is_spent(request.scope) and not authenticate.knows(key):
        await limits(request.scope, None)


def _last_known(authenticate: Authenticate, key: str, needs: Mapping[str, Any]) -> Access:
    """Return the access that a route without the storage takes; raise the error that is handled."""
    known = authenticate.last_known(key) if needs.get("without_storage") else None
    if known is None:
        raise  # noqa: PLE0704 - called while the storage's error is handled
    return known


def _admit_worker(request: AnyRequest, workers: WorkerVerifier | None) -> bool:
    """Return whether the route takes workers and this is one, whose access it then has."""
    if workers is None or not request.route_handler.opt.get("takes_workers"):
        return False
    access = workers.access(_authorization(request.scope))
    if access is not None:
        request.scope["state"][_STATE] = access
    return access is not None


async def _admit_client(
    request: AnyRequest, key: str, clients: Clients, limits: Limits | None
) -> None:
    """Admit a publishable key or a ticket to the route that takes it; count its address first."""
    if limits is not None:
        await limits(request.scope, None)
    if not request.route_handler.opt.get("takes_clients"):
        raise Forbidden("Publishable keys and tickets may be used for POST /livekit/token only.")
    grant: ClientGrant | Ticket
    if is_ticket(key):
        grant = await clients.authenticate_ticket(key)
    else:
        origin = header(request.scope, b"origin").decode("latin-1")
        grant = await clients.authenticate_client(key, origin)
    request.scope["state"][_STATE] = grant.access
    request.scope["state"][_GRANT] = grant


def presented_key(scope: AsgiScope) -> str:
    """The key in ``X-API-Key`` or ``Authorization: Bearer …`` (RFC 6750); empty if none."""
    scheme, _, token = _authorization(scope).partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return header(scope, b"x-api-key").decode("latin-1") or bearer


def credential_of(scope: AsgiScope) -> str:
    """Return what the request presented, as ``AuthenticatePresented`` takes it; empty if nothing.

    For what outlives the request and must notice that the key was revoked.
    """
    key = presented_key(scope)
    session = "" if key else presented_session(scope)
    return f"{CONSOLE}{session}" if session else key


def _authorization(scope: AsgiScope) -> str:
    return header(scope, b"authorization").decode("latin-1")


def access_of(scope: AsgiScope) -> Access:
    """Return the access that the request was granted."""
    access: Access = scope["state"][_STATE]
    return access


def grant_of(scope: AsgiScope) -> ClientGrant | Ticket | None:
    """Return what a publishable key permits, or the ticket; None for an API key, or none."""
    grant: ClientGrant | Ticket | None = scope["state"].get(_GRANT)
    return grant
