"""The part of a recording that a player asks for (RFC 9110, 14)."""

from __future__ import annotations

import re
from typing import Final

import attrs

from domain.shared.recording_errors import RangeNotSatisfiable

_RANGE: Final = re.compile(r"bytes=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*", re.ASCII | re.IGNORECASE)


@attrs.frozen
class ByteRange:
    """The bytes from ``start`` until before ``end``, of ``size``."""

    start: int
    end: int
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return (self.start, self.end) == (0, self.size)

    @property
    def content_range(self) -> str:
        """Return the header that says which part it is."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def byte_range(asked: str | None, size: int) -> ByteRange | None:
    """Return the part that a ``Range`` header asks for; None for the whole.

    A server may ignore the header: one of another unit, one with several ranges and one that is
    malformed are ignored. Raises ``RangeNotSatisfiable`` for a range without a byte.
    """
    found = None if asked is None else _RANGE.fullmatch(asked.strip())
    if found is None or not (found[1] or found[2]):
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(size - int(last), 0), size
    elif last and int(last) < int(first):
        return None  # malformed
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= end:
        raise RangeNotSatisfiable(f"The recording has {size} bytes, none in this range.", size)
    return ByteRange(start, end, size)
