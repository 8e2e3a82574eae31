"""A transcript as WebVTT (https://www.w3.org/TR/webvtt1/).

Times count from the session's (or call's) beginning. A message begins when its speaker began, where
the worker measured that (``started_speaking_at``), else at its own time. It ends when the speaker
stopped, where that was measured, else after the time that its text takes to be spoken, but not
after the next message begins. What tools did is in comments.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import attrs

from domain.transcripts.item import FUNCTION_CALL, FUNCTION_CALL_OUTPUT, MESSAGE, TranscriptItem
from domain.transcripts.read_transcript import Transcript

CHARACTERS_A_SECOND: Final = 15
SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 15.0
_LATEST_SECONDS: Final = 359_999.0
"""A hundred hours after the beginning; a clock that is further off says nothing."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_ENDS: Final = re.compile(r"\s*[\n\u2028\u2029]\s*")


@attrs.frozen
class _Cue:
    """A message that has words; ``end`` is None where it was not measured."""

    start: float
    end: float | None
    item: TranscriptItem
    notes: tuple[str, ...] = ()


async def captions(transcript: Transcript) -> AsyncIterator[bytes]:
    """Yield WebVTT, some hundreds of items at a time."""
    yield b"WEBVTT\n"
    waiting: _Cue | None = None
    last = 0.0
    async for items in transcript.slices:
        blocks: list[str] = []
        for item in items:
            if note := _note(item):
                if waiting is not None:
                    waiting = attrs.evolve(waiting, notes=(*waiting.notes, note))
                else:
                    blocks.append(note)
                continue
            cue = _cue(item, transcript.began_at, last)
            if cue is None:
                continue
            if waiting is not None:
                blocks.append(_block(waiting, cue.start))
            waiting, last = cue, cue.start
        yield "".join(blocks).encode()
    if waiting is not None:
        yield _block(waiting, None).encode()


def _cue(item: TranscriptItem, began_at: datetime, last: float) -> _Cue | None:
    if item.type != MESSAGE or not item.text or not item.text.strip():
        return None
    said = last if item.created_at is None else (item.created_at - began_at).total_seconds()
    measured = _measured(item, "started_speaking_at", began_at)
    start = said if measured is None else measured
    start = min(max(start, last), _LATEST_SECONDS)
    end = _measured(item, "stopped_speaking_at", began_at)
    return _Cue(start, end if end is not None and end > start else None, item)


def _measured(item: TranscriptItem, name: str, began_at: datetime) -> float | None:
    value = item.metrics.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    offset = value - began_at.timestamp()
    return offset if 0 <= offset <= _LATEST_SECONDS else None


def _block(cue: _Cue, following: float | None) -> str:
    """Return a cue, and the comments after it."""
    text = cue.item.text or ""
    end = cue.end
    if end is None:
        spoken = min(max(len(text) / CHARACTERS_A_SECOND, SHORTEST_SECONDS), LONGEST_SECONDS)
        end = cue.start + spoken
        if following is not None and following - cue.start >= SHORTEST_SECONDS:
            end = min(end, following)
    speaker = _plain(cue.item.role or "unknown") or "unknown"
    note = " (interrupted)" if cue.item.interrupted else ""
    lines = _plain(text)
    return f"\n{_clock(cue.start)} --> {_clock(end)}\n<v {speaker}>{lines}{note}\n" + "".join(
        cue.notes
    )


def _note(item: TranscriptItem) -> str | None:
    if item.type == FUNCTION_CALL:
        return f"\nNOTE tool call {_plain(item.name or '')}: {_plain(item.arguments or '')}\n"
    if item.type == FUNCTION_CALL_OUTPUT:
        outcome = "error" if item.is_error else "result"
        return f"\nNOTE tool {outcome} {_plain(item.name or '')}: {_plain(item.output or '')}\n"
    return None


def _plain(text: str) -> str:
    """Return ``text`` with neither markup, arrows nor blank lines, on one line."""
    words = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _LINE_ENDS.sub(" ", text.strip()))
    return html.escape(words, quote=False).strip()


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
