"""Who may see the ledger in production."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]


def only_with_key(keys: tuple[str, ...]) -> Guard:
    """A guard that hides a route (404) from whoever presents none of ``keys``.

    A key comes as ``Authorization: Bearer …`` or as ``X-API-Key``.
    """
    known = [key.encode() for key in keys]

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        presented = connection.headers.get("x-api-key") or bearer
        # Every key is compared, so that the time tells nothing.
        if not sum(hmac.compare_digest(presented.encode(), key) for key in known):
            raise NotFoundException

    return guard
