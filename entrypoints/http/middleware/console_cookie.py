"""The console's cookie: where it counts, and what keeps other pages from using it.

It authenticates a request of this service's own pages only, and one that changes something only
with the header ``X-Console``, which no page of another origin can add without a preflight.
"""

from __future__ import annotations

from typing import Any, Final

from litestar.types import Scope as AsgiScope

from domain.access.console_session import LIFETIME
from domain.shared.errors import CrossSiteRequest
from entrypoints.http.middleware.administrative import is_same_origin
from entrypoints.http.middleware.headers import header

HEADER: Final = "X-Console"
_HEADER: Final = HEADER.lower().encode()
_NAME: Final = "backend-console"
_SECURE_NAME: Final = f"__Host-{_NAME}"
"""A browser takes this name over TLS only, and from no other host of the same domain."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def presented_session(scope: AsgiScope) -> str:
    """Return the cookie's value; empty if there is none or another site's page sent it."""
    cookies = header(scope, b"cookie").decode("latin-1")
    if _NAME not in cookies or _is_from_elsewhere(scope):
        return ""
    found = dict(part.strip().partition("=")[::2] for part in cookies.split(";"))
    return found.get(_SECURE_NAME) or found.get(_NAME) or ""


def refuse_forgery(scope: Any, session: str) -> None:
    """Raise ``CrossSiteRequest`` if it changes something by a ``session`` without the header."""
    if session and scope["method"] not in _SAFE and not header(scope, _HEADER):
        raise CrossSiteRequest(
            f"A request that is authenticated by the console's cookie needs the header {HEADER}: 1."
        )


def set_cookie(scope: AsgiScope, text: str) -> str:
    """Return the value of ``Set-Cookie`` that keeps the session; an empty ``text`` removes it."""
    # Behind a proxy only the page knows that the client's connection is encrypted.
    secure = scope["scheme"] == "https" or header(scope, b"origin").startswith(b"https://")
    name = _SECURE_NAME if secure else _NAME
    age = int(LIFETIME.total_seconds()) if text else 0
    attributes = f"Path=/; Max-Age={age}; HttpOnly; SameSite=Strict"
    return f"{name}={text}; {attributes}{'; Secure' if secure else ''}"


def _is_from_elsewhere(scope: AsgiScope) -> bool:
    site, origin = header(scope, b"sec-fetch-site"), header(scope, b"origin")
    if site and site not in {b"same-origin", b"none"}:
        return True
    return bool(origin) and not is_same_origin(scope, origin)
