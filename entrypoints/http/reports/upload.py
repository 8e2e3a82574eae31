"""One upload: its parts, handed on as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from domain.reports.receive_report import IncomingReport
from entrypoints.http.middleware.overload import Overload
from entrypoints.http.reports.multipart import FormPart
from entrypoints.http.reports.spool import IN_MEMORY, Spool, spooled

MAX_HEADER_BYTES: Final = 1024 * 1024
MAX_CHAT_HISTORY_BYTES: Final = 64 * 1024 * 1024
_CLIENT: Final = "reports"


async def receive(
    incoming: IncomingReport, parts: AsyncIterator[FormPart], overload: Overload
) -> None:
    """Hand every part on, in any order; unknown ones are skipped.

    Raises ``InvalidReport``, ``ReportTooLarge``, ``RecordingStoreUnavailable``, ``OSError`` if a
    spooled part cannot be written, and what the body raises.
    """
    history: Spool | None = None
    try:
        async for part in parts:
            if part.name == "header":
                spool = await spooled(part.chunks, MAX_HEADER_BYTES, part.name)
                incoming.take_header(await spool.read())
                spool.close()
            elif part.name == "chat_history" and history is None:
                history = await spooled(part.chunks, MAX_CHAT_HISTORY_BYTES, part.name)
            elif part.name == "audio":
                await incoming.take_audio(part.chunks)
        if history is not None:
            await _take(incoming, history, overload)
    finally:
        if history is not None:
            history.close()


async def _take(incoming: IncomingReport, history: Spool, overload: Overload) -> None:
    """Read the chat history once the upload is whole: a large one for itself, in its turn."""
    if history.size <= IN_MEMORY:
        await incoming.take_chat_history(await history.read())
        return
    async with overload.large_bodies.take(_CLIENT):
        await incoming.take_chat_history(await history.read())
