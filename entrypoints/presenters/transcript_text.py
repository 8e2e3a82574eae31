"""A transcript as text, as WebVTT captions and as JSON, a part at a time."""

from __future__ import annotations

import enum
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

import msgspec

from domain.transcripts.item import FUNCTION_CALL, FUNCTION_CALL_OUTPUT, MESSAGE, TranscriptItem
from domain.transcripts.read_transcript import Transcript
from entrypoints.presenters.captions import captions
from entrypoints.presenters.times import rfc3339
from entrypoints.presenters.transcripts import item_response

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_encoder: Final = msgspec.json.Encoder()


class TranscriptFormat(enum.StrEnum):
    """How a transcript is written."""

    JSON = "json"
    TEXT = "text"
    VTT = "vtt"


MEDIA_TYPES: Final[Mapping[TranscriptFormat, str]] = {
    TranscriptFormat.JSON: "application/json",
    TranscriptFormat.TEXT: "text/plain",
    TranscriptFormat.VTT: "text/vtt",
}


def written(transcript: Transcript, form: TranscriptFormat) -> AsyncIterator[bytes]:
    """Yield a transcript, some hundreds of items at a time."""
    writers: Mapping[TranscriptFormat, Callable[[Transcript], AsyncIterator[bytes]]] = {
        TranscriptFormat.JSON: _json,
        TranscriptFormat.TEXT: _text,
        TranscriptFormat.VTT: captions,
    }
    return writers[form](transcript)


async def _json(transcript: Transcript) -> AsyncIterator[bytes]:
    """As :class:`~entrypoints.presenters.transcripts.TranscriptResponse`."""
    head = {
        "sessionId": _or_none(transcript.session_id), "callId": _or_none(transcript.call_id),
    }  # fmt: skip
    yield _encoder.encode(head)[:-1] + b',"items":['
    before = b""
    async for items in transcript.slices:
        yield before + b",".join(_encoder.encode(item_response(item)) for item in items)
        before = b","
    is_final = transcript.has_ended and bool(before) and not transcript.is_partial
    yield b'],"final":' + _encoder.encode(is_final) + b"}"


async def _text(transcript: Transcript) -> AsyncIterator[bytes]:
    """A paragraph for each item: when, who and what; further lines are indented."""
    whose = f"session {transcript.session_id}" if transcript.session_id else "no session"
    if transcript.call_id:
        whose += f", call {transcript.call_id}"
    yield f"# {whose}, began {rfc3339(transcript.began_at)}\n".encode()
    async for items in transcript.slices:
        yield "".join(line for item in items for line in _lines(item, transcript)).encode()


def _lines(item: TranscriptItem, transcript: Transcript) -> Iterator[str]:
    at = "--:--:--"
    if item.created_at is not None:
        at = _clock(item.created_at - transcript.began_at)
    what = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _what(item).replace("\r\n", "\n"))
    first, *others = what.split("\n")
    yield f"[{at}] {first}\n"
    for line in others:
        yield f"    {line}\n"


def _what(item: TranscriptItem) -> str:
    if item.type == MESSAGE:
        interrupted = " (interrupted)" if item.interrupted else ""
        return f"{_word(item.role or 'unknown')}{interrupted}: {item.text or ''}"
    if item.type == FUNCTION_CALL:
        return f"tool call {_word(item.name or '')}: {item.arguments or ''}"
    if item.type == FUNCTION_CALL_OUTPUT:
        outcome = "error" if item.is_error else "result"
        return f"tool {outcome} {_word(item.name or '')}: {item.output or ''}"
    rest = item.text or (_encoder.encode(dict(item.extra)).decode() if item.extra else "")
    return f"{_word(item.type.replace('_', ' '))}: {rest}"


def _word(name: str) -> str:
    return name.replace("\n", " ")


def _clock(offset: timedelta) -> str:
    seconds = max(int(offset.total_seconds()), 0)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _or_none(value: object) -> str | None:
    return None if value is None else str(value)
