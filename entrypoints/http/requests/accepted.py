"""The media type that a client prefers (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from litestar.datastructures.headers import Accept
from litestar.types import Scope

from entrypoints.http.middleware.headers import header

_REFUSED: Final = re.compile(r";\s*q\s*=\s*0(\.0*)?\s*(;|$)", re.IGNORECASE)


def accepted(scope: Scope, offered: Sequence[str]) -> str:
    """Return the one of ``offered`` that the client prefers; the first if it takes none.

    (Litestar's ``Accept`` takes a type of quality 0 for one that is wanted.)
    """
    parts = header(scope, b"accept").decode("latin-1").split(",")
    refused = {part.partition(";")[0].strip().lower() for part in parts if _REFUSED.search(part)}
    wanted = Accept(",".join(part for part in parts if not _REFUSED.search(part)))
    best = wanted.best_match([kind for kind in offered if kind not in refused])
    return offered[0] if best is None else best
