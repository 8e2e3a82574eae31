"""The port to where audio is stored: a folder, or a bucket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

import attrs


@attrs.frozen
class StoredObject:
    """An object in the store: its size in bytes, and when it was written, by the store's clock."""

    key: str
    size: int
    modified_at: datetime


class RecordingStore(Protocol):
    """Objects by key, streamed. Each method raises ``RecordingStoreUnavailable`` when it fails."""

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> int:
        """Store the object and return its size in bytes, once it is durable.

        If ``chunks`` raises, no object is left, and what it raised is raised. One that is left by a
        cancellation at the very end has no recording, so that a sweep deletes it.
        """
        ...

    def get(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` until before ``end``, 64 KiB at most at a time.

        Raises ``NotFound`` if there is no such object, before the first are yielded, and
        ``RecordingStoreUnavailable`` if it ends before ``end``.
        """
        ...

    async def size(self, key: str) -> int | None:
        """Return an object's size in bytes; None if there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Delete an object. One that does not exist is a success."""
        ...

    def list(self) -> AsyncIterator[Sequence[StoredObject]]:
        """Yield every object, up to a thousand at a time, also what an interrupted upload left."""
        ...

    async def check(self) -> None:
        """Raise ``RecordingStoreUnavailable``, which says why, unless objects can be stored."""
        ...
