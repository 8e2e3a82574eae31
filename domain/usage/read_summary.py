"""Read the usage of models in a worker's session summary.

The shape is that of livekit-agents 1.8.9 (``livekit.agents.metrics.usage``). A worker may be of
another version, and a report may hold anything: what cannot be read is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from domain.shared.storable_text import storable
from domain.usage.model_usage import COUNTERS, LONGEST_MODEL, ModelUsage, added_up

MOST_MODELS: Final = 200
"""Entries of a summary that are read; a session uses a handful of models."""
MOST_OTHERS: Final = 20
"""Unknown counters of a model that are kept."""
MOST: Final = 10**12
"""A counter beyond that is no count of anything."""

_NAMES: Final = {
    "input_cached_tokens": "cached_input_tokens",
    "input_cache_creation_tokens": "cache_write_tokens",
    "input_cached_audio_tokens": "cached_audio_tokens",
    "input_cached_text_tokens": "cached_text_tokens",
    "input_cached_image_tokens": "cached_image_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
    "characters_count": "characters",
    "total_requests": "requests",
    "audio_duration_ms": "audio_ms",
    "session_duration_ms": "session_ms",
}
"""The counters that a worker calls otherwise; workers in TypeScript give milliseconds."""
_SECONDS: Final = {"audio_duration": "audio_ms", "session_duration": "session_ms"}
_TEXTS: Final = frozenset({"type", "provider", "model"})
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_COUNTER: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_PARTS: Final = (
    ("input_tokens", ("input_audio_tokens", "input_text_tokens", "input_image_tokens")),
    ("input_tokens", ("cached_input_tokens", "cache_write_tokens")),
    ("cached_input_tokens", ("cached_audio_tokens", "cached_text_tokens", "cached_image_tokens")),
    ("input_audio_tokens", ("cached_audio_tokens",)),
    ("input_text_tokens", ("cached_text_tokens",)),
    ("input_image_tokens", ("cached_image_tokens",)),
    ("output_tokens", ("output_audio_tokens", "output_text_tokens")),
    ("output_tokens", ("reasoning_tokens",)),
)
"""Counters, and their parts, which cannot be more together."""


def usage_of(session_summary: Mapping[str, Any]) -> list[ModelUsage]:
    """Return the usage of each model in ``session_summary["usage"]``.

    Never raises. Values of a wrong type, negative, not finite or absurdly large are left out, as
    are parts that are more than their whole; entries of one model are added up.
    """
    entries = session_summary.get("usage")
    if not isinstance(entries, list):
        return []
    readable = (entry for entry in entries if isinstance(entry, Mapping))
    return added_up(_model_usage(entry) for entry in islice(readable, MOST_MODELS))


def _model_usage(entry: Mapping[Any, Any]) -> ModelUsage:
    counters: dict[str, int] = {}
    others: dict[str, int | float] = {}
    for key, value in entry.items():
        name = _HUMP.sub("_", key).lower() if isinstance(key, str) else ""
        if name in _SECONDS:
            milliseconds = _number(value, 1000)
            if milliseconds is not None:
                counters[_SECONDS[name]] = round(milliseconds)
            continue
        number = _number(value)
        counter = _NAMES.get(name, name)
        if number is None or name in _TEXTS:
            continue
        if counter in COUNTERS:
            counters[counter] = round(number)
        elif _COUNTER.fullmatch(name) and len(others) < MOST_OTHERS:
            others[name] = number
    return ModelUsage(
        kind=_text(entry.get("type")).removesuffix("_usage") or "unknown",
        provider=_text(entry.get("provider")),
        model=_text(entry.get("model")),
        **_consistent(counters),
        others=others,
    )


def _consistent(counters: dict[str, int]) -> dict[str, int]:
    """Leave out parts that are more than their whole: a price would be applied to them."""
    for whole, parts in _PARTS:
        if sum(counters.get(part, 0) for part in parts) > counters.get(whole, 0):
            for part in parts:
                counters.pop(part, None)
    return counters


def _number(value: object, times: int = 1) -> int | float | None:
    """Return a count; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value * times if 0 <= value <= MOST / times else None


def _text(value: object) -> str:
    return storable(value.strip()[:LONGEST_MODEL]) if isinstance(value, str) else ""
