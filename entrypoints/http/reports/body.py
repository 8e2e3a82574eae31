"""The body of an upload, streamed: bounded in size and in the time that a client may pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import attrs
from litestar.exceptions import InternalServerException

from domain.shared.report_errors import ReportStalled, ReportTooLarge, TooManyReports
from entrypoints.http.middleware.unread_body import mark_as_read
from entrypoints.http.reports.uploads import Place
from entrypoints.http.requests.json_request import IncompleteBody, JsonRequest

PAUSE: Final = timedelta(seconds=30)
"""How long a client may send nothing."""
TOTAL: Final = timedelta(seconds=900)
"""How long livekit-agents 1.8.9 goes on with an upload."""


@attrs.frozen(kw_only=True)
class UploadLimits:
    """The most bytes of an upload, how long it may pause, and how long it may take."""

    size: int
    pause: timedelta = PAUSE
    total: timedelta = TOTAL


async def body_chunks(
    request: JsonRequest, limits: UploadLimits, place: Place
) -> AsyncIterator[bytes]:
    """Yield the body's chunks as they come, once.

    Raises :class:`~domain.shared.report_errors.ReportTooLarge` (before reading anything, if the
    client says so), ``ReportStalled``, ``TooManyReports`` once the place is lost, or
    ``IncompleteBody``.
    """
    if (request.content_length or 0) > limits.size:
        raise _too_large(limits)
    loop, stream = asyncio.get_running_loop(), request.stream()
    deadline = loop.time() + limits.total.total_seconds()
    try:
        while True:
            until = min(deadline, loop.time() + limits.pause.total_seconds())
            async with asyncio.timeout_at(until) as place.waiting:
                chunk = await anext(stream, None)
            place.waiting = None
            if chunk is None:
                break
            place.size += len(chunk)
            if place.size > limits.size:
                raise _too_large(limits)
            yield chunk
            if place.is_lost:
                raise TimeoutError
    except TimeoutError:
        if place.is_lost:
            raise TooManyReports(
                "Too many reports are being received, and this one came slowly; send it again."
            ) from None
        raise ReportStalled("The upload stopped arriving, or took too long.") from None
    except InternalServerException as error:  # Litestar's word for a client that went away
        raise IncompleteBody("The connection ended before the body did.") from error
    finally:
        place.waiting = None
    mark_as_read(request.scope)


def _too_large(limits: UploadLimits) -> ReportTooLarge:
    return ReportTooLarge(f"The report is larger than {limits.size} bytes.", limitBytes=limits.size)


async def read_to_end(chunks: AsyncIterator[bytes]) -> None:
    """Read what is left and keep none of it, so that the client gets to read the answer.

    A connection that is closed with unread data loses the answer, and a worker tries again only if
    it reads that it should.
    """
    try:
        async for _ in chunks:
            pass
    except (ReportStalled, ReportTooLarge, TooManyReports, IncompleteBody):
        return
