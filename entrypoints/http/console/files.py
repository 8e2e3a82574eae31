"""GET /console: the page and its files, as `make console` has built them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from entrypoints.http.middleware.headers import header

BUILT: Final = Path(__file__).parents[2] / "console_files"
NOT_BUILT: Final = (
    "The console is not built here: run `make console` in the checkout (it needs Node.js 20), "
    "or install the wheel or the image, which have it.\n"
)
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing from another host, nothing inline, and no text that becomes markup or code."""
_CONNECTIONS: Final = "connect-src 'self'"

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=(), usb=()",
    "Vary": "Accept-Encoding",
}
_FOREVER: Final = "public, max-age=31536000, immutable"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.(?P<kind>js|css|svg)", re.ASCII)
_TYPES: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_CODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
"""What the build has compressed, the smaller first."""
_REFUSED: Final = re.compile(r";\s*q=0(\.0*)?\s*$")


def policy(livekit_url: str) -> str:
    """Return the page's policy: it also connects to the LiveKit that clients get, and no other.

    livekit-client opens a WebSocket, and asks the same server over HTTP why one was refused.
    """
    livekit = urlsplit(livekit_url)
    schemes = ("wss", "https") if livekit.scheme in {"wss", "https"} else ("ws", "http")
    sources = " ".join(f"{scheme}://{livekit.netloc}" for scheme in schemes)
    return POLICY.replace(_CONNECTIONS, f"{_CONNECTIONS} {sources}")


def console_page(livekit_url: str) -> HTTPRouteHandler:
    """Return the route of the page, which may connect to ``livekit_url``."""
    served = {
        **_HEADERS,
        "Content-Security-Policy": policy(livekit_url),
        "Cache-Control": "no-cache",
    }

    @get("/console", public=True, include_in_schema=False, media_type="text/html")
    async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The page; its views are in the fragment of its address."""
        page = BUILT / "index.html"
        if not page.is_file():
            return Response(NOT_BUILT.encode(), status_code=404, media_type="text/plain")
        tag = f'W/"{hashlib.sha256(page.read_bytes()).hexdigest()[:32]}"'
        headers = {**served, "ETag": tag}
        if tag in header(request.scope, b"if-none-match").decode("latin-1"):
            return Response(b"", status_code=304, headers=headers, media_type="text/html")
        return _file(request, page, "text/html", headers)

    return page


@get("/console/assets/{name:str}", public=True, include_in_schema=False)
async def console_asset(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """A script, a style sheet or an icon. Its name changes with its contents."""
    found = _NAME.fullmatch(name)
    path = BUILT / "assets" / name
    if found is None or not path.is_file():
        raise NotFoundException
    headers = {**_HEADERS, "Cache-Control": _FOREVER}
    return _file(request, path, _TYPES[found["kind"]], headers)


def _file(
    request: Request[Any, Any, Any], path: Path, media_type: str, headers: dict[str, str]
) -> Response[bytes]:
    accepted = {
        part.partition(";")[0].strip()
        for part in header(request.scope, b"accept-encoding").decode("latin-1").lower().split(",")
        if not _REFUSED.search(part)
    }
    for coding, suffix in _CODINGS:
        compressed = path.with_name(path.name + suffix)
        if coding in accepted and compressed.is_file():
            encoded = {**headers, "Content-Encoding": coding}
            return Response(compressed.read_bytes(), headers=encoded, media_type=media_type)
    return Response(path.read_bytes(), headers=headers, media_type=media_type)
