"""Bytes that wait to be read as a whole, the first of them in memory and more of them on disk."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Final

from domain.shared.report_errors import ReportTooLarge

IN_MEMORY: Final = 256 * 1024


async def spooled(chunks: AsyncIterator[bytes], limit: int, what: str) -> Spool:
    """Return the bytes of ``chunks``, which are closed by the caller.

    Raises :class:`~domain.shared.report_errors.ReportTooLarge` beyond ``limit``, as soon as they
    are more, and what ``chunks`` raises; nothing is left then.
    """
    spool = Spool()
    try:
        async for chunk in chunks:
            if spool.size + len(chunk) > limit:
                raise ReportTooLarge(
                    f"The part '{what}' is larger than {limit} bytes.", limitBytes=limit
                )
            await spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    return spool


class Spool:
    """A file without a name: a process that is killed leaves nothing of it."""

    def __init__(self) -> None:
        self.size = 0
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    async def write(self, chunk: bytes) -> None:
        """Append ``chunk``."""
        self.size += len(chunk)
        self._memory += chunk
        if len(self._memory) > IN_MEMORY:
            await asyncio.to_thread(self._flush)

    async def read(self) -> bytes:
        """Return everything."""
        if self._file is None:
            return bytes(self._memory)
        return await asyncio.to_thread(self._whole)

    def close(self) -> None:
        """Delete it."""
        self._memory.clear()
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        self._file.write(self._memory)
        self._memory = bytearray()

    def _whole(self) -> bytes:
        self._flush()
        assert self._file is not None  # noqa: S101 - made by _flush
        self._file.seek(0)
        return self._file.read()
