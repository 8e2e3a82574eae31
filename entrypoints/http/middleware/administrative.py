"""Administrative routes, which configure the deployment: pages of other origins may not use them.

Such a route has ``opt = ADMINISTRATIVE``. Where no API key is configured, a browser on a machine
that reaches the service would send the requests of any page to them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Litestar
from litestar.routes import HTTPRoute

from entrypoints.http.middleware.headers import header

ADMINISTRATIVE: Final = {"administrative": True}

_DEFAULT_PORTS: Final = (b":80", b":443")


def administrative_paths(app: Litestar) -> Callable[[str], bool]:
    """Return a test for paths of administrative routes, in every spelling that Litestar takes."""
    prefixes = {
        tuple(takewhile(lambda part: not part.startswith("{"), _parts(route.path)))
        for route in app.routes
        if isinstance(route, HTTPRoute)
        and any(handler.opt.get("administrative") for handler in route.route_handlers)
    }
    lengths = {len(prefix) for prefix in prefixes}

    def is_administrative(path: str) -> bool:
        parts = _parts(path)
        return any(tuple(parts[:length]) in prefixes for length in lengths)

    return is_administrative


def is_same_origin(scope: Any, origin: bytes) -> bool:
    """Return whether the page that sent the request came from this service.

    By ``Sec-Fetch-Site``, which no page can set; else by the host, as the scheme that the client
    used is known to the proxy only.
    """
    if header(scope, b"sec-fetch-site") == b"same-origin":
        return True
    return bool(host := _host(header(scope, b"host"))) and host == _host(_authority(origin))


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _authority(origin: bytes) -> bytes:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return b""


def _host(authority: bytes) -> bytes:
    """The host and the port, without a port that is the default of either scheme."""
    host = authority.lower()
    return next((host.removesuffix(port) for port in _DEFAULT_PORTS if host.endswith(port)), host)
