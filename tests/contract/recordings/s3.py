"""An S3 API, as tests reach it."""

from __future__ import annotations

from typing import Any, Final

import attrs

CREDENTIALS: Final = {
    "access_key_id": "test",
    "secret_access_key": "test",
    "region": "us-east-1",
}


@attrs.frozen
class S3:
    """Its address, and boto's client."""

    url: str
    client: Any
