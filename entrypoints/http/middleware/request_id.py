"""One id for each request, in its answer, its errors and its log lines."""

from __future__ import annotations

import re
from typing import Any, Final

import uuid_utils
from litestar.types import Scope

HEADER: Final = "x-request-id"
_ACCEPTABLE: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")


def request_id(scope: Scope) -> str:
    """The caller's ``X-Request-Id`` if it is 1-128 harmless characters, else a new UUIDv7."""
    state: dict[str, Any] = scope["state"]
    if HEADER not in state:
        given = next((value for name, value in scope["headers"] if name == HEADER.encode()), b"")
        state[HEADER] = given.decode() if _ACCEPTABLE.fullmatch(given) else str(uuid_utils.uuid7())
    return str(state[HEADER])
