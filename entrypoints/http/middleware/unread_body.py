"""A refusal that is sent before the request's body was read ends the connection.

What is left of the body would otherwise be taken for the next request, or be waited for
(RFC 9112, 9.3 and 9.6).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

CLOSE: Final = (b"connection", b"close")
_READ: Final = "body_read"


def mark_as_read(scope: Any) -> None:
    """Note that the request's body has been received to its end."""
    scope["state"][_READ] = True


def must_close(scope: Any, start: Any) -> bool:
    """Return whether the response that ``start`` begins has to say that it ends the connection."""
    return (
        start["status"] >= HTTPStatus.BAD_REQUEST
        and _READ not in scope.get("state", ())
        and any(map(_announces_body, scope["headers"]))
        and CLOSE not in start.get("headers", ())
    )


def _announces_body(header: tuple[bytes, bytes]) -> bool:
    name, value = header
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" 0") != b"")
