"""multipart/form-data (RFC 7578), part by part, none of them whole in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import attrs
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from domain.shared.report_errors import InvalidReport, ReportCutShort

_MOST_PARTS: Final = 64
_LONGEST_BOUNDARY: Final = 70  # RFC 2046, 5.1.1
_MEDIA_TYPE: Final = "multipart/form-data"


@attrs.frozen
class FormPart:
    """A part; ``chunks`` must be read before the next part is asked for, or is skipped then."""

    name: str
    chunks: AsyncIterator[bytes]


def boundary_of(content_type: str) -> str:
    """Return the boundary that a ``Content-Type`` names. Raises ``InvalidReport``."""
    media_type, options = parse_options_header(content_type)
    boundary: str = options.get("boundary", "")
    if media_type != _MEDIA_TYPE or not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise InvalidReport(
            f"Send the report as {_MEDIA_TYPE} with a boundary, as livekit-agents does."
        )
    return boundary


async def form_parts(body: AsyncIterator[bytes], boundary: str) -> AsyncIterator[FormPart]:
    """Yield the parts of ``body`` in their order.

    Raises ``InvalidReport`` where it is malformed, and ``ReportCutShort`` where it ends before its
    last boundary: workers write that, so another attempt may be whole.
    """
    events = _events(body, boundary)
    async for event in events:
        if isinstance(event, MultipartSegment):
            chunks = _chunks(events)
            yield FormPart(event.name or "", chunks)
            async for _ in chunks:
                pass


async def _chunks(
    events: AsyncIterator[MultipartSegment | bytes | bytearray | None],
) -> AsyncIterator[bytes]:
    async for event in events:
        if event is None:
            return
        if isinstance(event, bytes | bytearray):
            yield bytes(event)


async def _events(
    body: AsyncIterator[bytes], boundary: str
) -> AsyncIterator[MultipartSegment | bytes | bytearray | None]:
    has_begun = ended = False
    try:
        parser = PushMultipartParser(boundary, max_segment_count=_MOST_PARTS)
        async for chunk in body:
            if chunk:
                for event in parser.parse(chunk):
                    has_begun = True
                    yield event
        ended = True
        parser.close()
    except MultipartError as error:
        if has_begun and ended:
            raise ReportCutShort("The upload ended before its last boundary.") from None
        reason = error.args[0] if error.args else "it cannot be read"
        raise InvalidReport(f"The body is no complete {_MEDIA_TYPE}: {reason}.") from None
