"""Read the chat history of a worker's report, whatever is in it."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from domain.transcripts.bounds import LONGEST_NAME, bounded_json, bounded_text
from domain.transcripts.item import MESSAGE, TranscriptItem

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_READ: Final = frozenset({
    "id", "type", "role", "content", "text", "created_at", "interrupted", "metrics",
    "name", "arguments", "output", "call_id", "is_error", "hash",
})  # fmt: skip
"""The fields that have an attribute of their own; ``hash`` is deprecated in livekit-agents."""

_NOTES: Final = {"image_content": "[image]", "audio_content": "[audio]", "cache_breakpoint": ""}


def items_of(chat_history: Iterable[Mapping[str, Any]]) -> list[TranscriptItem]:
    """Return the items of a chat history (``ChatContext.to_dict()["items"]``), in its order.

    Nothing raises: what is no JSON object is left out, a value of a wrong type is as if it were
    absent, and an unknown type is kept. An item without an id gets one that is made of its
    content, the same each time. Of items with one id the last one counts. An item without a valid
    time has that of the item before it, or of the first one that has any.

    100,000 items take seconds: call it in a thread where a request waits for others.
    """
    found: dict[str, TranscriptItem] = {}
    seen: Counter[str] = Counter()
    last: datetime | None = None
    for position, raw in enumerate(_entries(chat_history)):
        if not isinstance(raw, Mapping):
            continue
        item = _item(raw, position, seen)
        last = item.created_at or last
        if item.created_at is None and last is not None:
            item = attrs.evolve(item, created_at=last)
        found.pop(item.id, None)
        found[item.id] = item
    first = next((item.created_at for item in found.values() if item.created_at), None)
    if first is None:
        return [*found.values()]
    return [
        attrs.evolve(item, created_at=first) if item.created_at is None else item
        for item in found.values()
    ]


def _entries(chat_history: object) -> Iterable[Any]:
    if isinstance(chat_history, Mapping):
        chat_history = chat_history.get("items")
    if isinstance(chat_history, str | bytes) or not isinstance(chat_history, Iterable):
        return ()
    return chat_history


def _item(raw: Mapping[str, Any], position: int, seen: Counter[str]) -> TranscriptItem:
    cut = _Cut()
    text = _content(raw)
    metrics = raw.get("metrics")
    kind = cut.name(raw.get("type")) or MESSAGE
    is_error = raw.get("is_error")
    return TranscriptItem(
        id=_id(raw, seen),
        type=kind,
        position=position,
        role=cut.name(raw.get("role")),
        text=None if text is None else cut.text(text),
        created_at=_time(raw.get("created_at")),
        interrupted=raw.get("interrupted") is True,
        metrics=cut.members(metrics) if isinstance(metrics, Mapping) else {},
        name=cut.name(raw.get("name")),
        arguments=cut.as_text(raw.get("arguments")),
        output=cut.as_text(raw.get("output")),
        call_id=cut.name(raw.get("call_id")),
        is_error=is_error if isinstance(is_error, bool) else None,
        extra=cut.members(
            {
                key: value
                for key, value in raw.items()
                if not (isinstance(key, str) and key in _READ) and value not in (None, {}, [])
            }
        ),
        truncated=cut.happened,
    )


@attrs.define
class _Cut:
    """Cuts values to what is kept, and remembers whether there was more."""

    happened: bool = False

    def text(self, text: str) -> str:
        """Return what is kept of a text."""
        kept, cut = bounded_text(text)
        self.happened |= cut
        return kept

    def as_text(self, value: object) -> str | None:
        """Return what is kept of a text, or of other JSON as text."""
        if value is None or isinstance(value, str):
            return None if value is None else self.text(value)
        try:
            return self.text(json.dumps(value, ensure_ascii=False))
        except (TypeError, ValueError, RecursionError):
            return None

    def name(self, value: object) -> str | None:
        """Return what is kept of a short text; None for anything else, and for a blank one."""
        if not isinstance(value, str) or not value.strip():
            return None
        kept, cut = bounded_text(value, LONGEST_NAME)
        self.happened |= cut
        return kept

    def members(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is kept of a JSON object."""
        kept, cut = bounded_json(values)
        self.happened |= cut
        return kept


def _id(raw: Mapping[str, Any], seen: Counter[str]) -> str:
    given = raw.get("id")
    if isinstance(given, str) and given.strip():
        kept, cut = bounded_text(given, LONGEST_NAME)
        if not cut and kept == given:
            return given
        return f"item-{_digest(given)}"
    # Of equal items each has a place of its own among them.
    content = _digest(_canonical(raw))
    seen[content] += 1
    return f"item-{content}-{seen[content]}"


def _canonical(raw: Mapping[str, Any]) -> str:
    try:
        return json.dumps(raw, sort_keys=True, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr([raw.get(name) for name in ("type", "role", "created_at", "name", "call_id")])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:24]


def _content(raw: Mapping[str, Any]) -> str | None:
    """Return the texts in ``content``, a line each, as livekit-agents joins them."""
    content = raw.get("content")
    if content is None:
        content = raw.get("text")
    parts = content if isinstance(content, list | tuple) else [content]
    lines = [line for line in map(_part, parts) if line]
    return "\n".join(lines) if lines else None


def _part(part: object) -> str | None:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return None
    said = next((part[key] for key in ("text", "transcript") if isinstance(part.get(key), str)), "")
    if said:
        return str(said)
    kind = part.get("type")
    if not isinstance(kind, str) or not kind:
        return None
    return _NOTES.get(kind, f"[{kind[:LONGEST_NAME]}]")


def _time(value: object) -> datetime | None:
    """Return seconds since 1970, or an RFC 3339 time, to the millisecond; None if it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            if time.tzinfo is None:
                return None
            milliseconds = (time.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
        elif math.isfinite(value):
            milliseconds = math.floor(value * 1000 + 1e-3)
        else:
            return None
        time = _EPOCH + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        return None
    return time if _EARLIEST <= time < _LATEST else None
