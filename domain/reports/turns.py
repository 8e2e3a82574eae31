"""The latencies of a conversation's turns, for statistics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from domain.transcripts.item import TranscriptItem
from domain.usage.repository import MOST_TURNS
from domain.usage.turn_latency import TurnLatency

_NAMES: Final = {
    "transcription_ms": "transcription_delay",
    "end_of_turn_ms": "end_of_turn_delay",
    "first_token_ms": "llm_node_ttft",
    "first_byte_ms": "tts_node_ttfb",
    "end_to_end_ms": "e2e_latency",
}
"""Their names in livekit-agents' ``MetricsReport``, in seconds."""
_LONGEST_SECONDS: Final = 3600


def latencies_of(items: Iterable[TranscriptItem]) -> list[TurnLatency]:
    """Return the latencies of the first :data:`MOST_TURNS` messages that have any."""
    found = list[TurnLatency]()
    for item in items:
        if len(found) == MOST_TURNS:
            break
        if item.metrics.keys().isdisjoint(_NAMES.values()):  # as a rule, of 100,000 items
            continue
        known = {
            name: milliseconds
            for name, reported_as in _NAMES.items()
            if (milliseconds := _milliseconds(item.metrics.get(reported_as))) is not None
        }
        if known:
            found.append(TurnLatency(item_id=item.id, **known))
    return found


def _milliseconds(seconds: Any) -> int | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return round(seconds * 1000) if 0 <= seconds <= _LONGEST_SECONDS else None
