"""The answer with a transcript: its format, and large ones a part at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import attrs
from litestar import Response
from litestar.response import Stream
from litestar.types import Scope

from domain.transcripts.item import TranscriptItem
from domain.transcripts.read_transcript import Slices, Transcript
from entrypoints.http.requests.accepted import accepted
from entrypoints.presenters.transcript_text import MEDIA_TYPES, TranscriptFormat, written

_BY_SUFFIX: Final = {
    ".json": TranscriptFormat.JSON,
    ".txt": TranscriptFormat.TEXT,
    ".vtt": TranscriptFormat.VTT,
}
_BY_MEDIA_TYPE: Final = {
    "application/json": TranscriptFormat.JSON,
    "text/plain": TranscriptFormat.TEXT,
    "text/vtt": TranscriptFormat.VTT,
}
_HEADERS: Final = {"Vary": "Accept", "Cache-Control": "no-store"}


def format_of(scope: Scope) -> TranscriptFormat:
    """Return the format that the path's end names, else the one that is accepted, else JSON."""
    end = scope["path"].rstrip("/")
    for suffix, form in _BY_SUFFIX.items():
        if end.endswith(suffix):
            return form
    return _BY_MEDIA_TYPE[accepted(scope, [*_BY_MEDIA_TYPE])]


async def answer(transcript: Transcript, form: TranscriptFormat) -> Response[Any]:
    """Return the whole answer or, of a transcript of hundreds of items, one that is streamed.

    The first items are read before it begins, so that an outage is an error and no broken answer.
    """
    slices = transcript.slices
    first = [items async for items in _some(slices, 2)]
    transcript = attrs.evolve(transcript, slices=_again(first, slices))
    media_type = MEDIA_TYPES[form]
    if len(first) < 2:
        body = b"".join([part async for part in written(transcript, form)])
        return Response(body, media_type=media_type, headers=_HEADERS)
    return Stream(written(transcript, form), media_type=media_type, headers=_HEADERS)


async def _some(slices: Slices, most: int) -> AsyncIterator[Sequence[TranscriptItem]]:
    for _ in range(most):
        try:
            yield await anext(slices)
        except StopAsyncIteration:
            return


async def _again(first: Sequence[Sequence[TranscriptItem]], rest: Slices) -> Slices:
    for items in first:
        yield items
    if len(first) == 2:
        async for items in rest:
            yield items
