"""Keys of objects, which are names of files where the store is a folder."""

from __future__ import annotations

import re
from typing import Final

CHUNK: Final = 64 * 1024
"""Bytes that are handed on at a time."""
PART: Final = ".part"
"""How the name of a file ends that is being written."""

_KEY: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def checked(key: str) -> str:
    """Return ``key`` if it stays inside the store. Raises ``ValueError``: a defect made it."""
    if not _KEY.fullmatch(key):
        raise ValueError("not the key of a recording")
    return key
