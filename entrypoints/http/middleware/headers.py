"""Headers of requests, read from the ASGI scope without making an object of all of them."""

from __future__ import annotations

from typing import Any


def header(scope: Any, name: bytes) -> bytes:
    """Return the first value of the header ``name``, which is in lower case; empty if absent."""
    return next((value for key, value in scope["headers"] if key == name), b"")
