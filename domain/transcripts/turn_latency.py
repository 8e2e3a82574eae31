"""How long an agent took to answer, from the metrics of chat items."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

from domain.transcripts.item import MESSAGE, TranscriptItem


@attrs.frozen(kw_only=True)
class TurnLatency:
    """The latencies of one turn of an assistant, in seconds; None where not reported.

    The names are those of livekit-agents' ``MetricsReport``: ``transcription_delay`` (speech to
    text) and ``end_of_turn_delay`` are of the user's message before, ``llm_node_ttft`` (first
    token), ``tts_node_ttfb`` (first audio) and ``e2e_latency`` of the assistant's.
    """

    created_at: datetime | None
    transcription_delay: float | None = None
    end_of_turn_delay: float | None = None
    llm_node_ttft: float | None = None
    tts_node_ttfb: float | None = None
    e2e_latency: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether any latency was reported."""
        values = attrs.astuple(self)[1:]
        return any(value is not None for value in values)


def turn_latencies(items: Iterable[TranscriptItem]) -> list[TurnLatency]:
    """Return the latencies of each message of the assistant, in order; those without any left out.

    A user's message counts for the first answer after it.
    """
    found: list[TurnLatency] = []
    user: Mapping[str, Any] = {}
    for item in items:
        if item.type != MESSAGE:
            continue
        if item.role == "user":
            user = item.metrics
        elif item.role == "assistant":
            turn = TurnLatency(
                created_at=item.created_at,
                transcription_delay=_seconds(user, "transcription_delay"),
                end_of_turn_delay=_seconds(user, "end_of_turn_delay"),
                llm_node_ttft=_seconds(item.metrics, "llm_node_ttft"),
                tts_node_ttfb=_seconds(item.metrics, "tts_node_ttfb"),
                e2e_latency=_seconds(item.metrics, "e2e_latency"),
            )
            user = {}
            if turn.is_known:
                found.append(turn)
    return found


def _seconds(metrics: Mapping[str, Any], name: str) -> float | None:
    value = metrics.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
