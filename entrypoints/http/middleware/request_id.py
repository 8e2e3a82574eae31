"""One id for each request, in its answer, its errors and its log lines."""

from __future__ import annotations

import re
from typing import Any, Final

import uuid_utils
from litestar.types import Scope

from entrypoints.http.middleware.headers import header

HEADER: Final = b"x-request-id"
_STATE: Final = "request_id"
_ACCEPTABLE: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")


def request_id(scope: Scope) -> str:
    """The caller's ``X-Request-Id`` if it is 1-128 harmless characters, else a new UUIDv7."""
    state: dict[str, Any] = scope["state"]
    found: str | None = state.get(_STATE)
    if found is None:
        given = header(scope, HEADER)
        found = given.decode() if _ACCEPTABLE.fullmatch(given) else str(uuid_utils.uuid7())
        state[_STATE] = found
    return found
