"""The latencies of turns."""

from __future__ import annotations

from typing import Any

from domain.transcripts.item import TranscriptItem
from domain.transcripts.turn_latency import TurnLatency, turn_latencies


def message(role: str, **metrics: Any) -> TranscriptItem:
    return TranscriptItem(id="x", type="message", position=0, role=role, metrics=metrics)


def test_a_turn_has_the_delays_of_the_user_s_message_and_of_the_answer() -> None:
    items = [
        message("assistant", tts_node_ttfb=0.3),
        message("user", transcription_delay=0.2, end_of_turn_delay=0.6),
        TranscriptItem(id="t", type="function_call", position=0),
        message("assistant", llm_node_ttft=0.4, tts_node_ttfb=0.1, e2e_latency=1.2),
        message("assistant", llm_node_ttft=0.5),
        message("assistant"),
    ]

    assert turn_latencies(items) == [
        TurnLatency(created_at=None, tts_node_ttfb=0.3),
        TurnLatency(
            created_at=None, transcription_delay=0.2, end_of_turn_delay=0.6,
            llm_node_ttft=0.4, tts_node_ttfb=0.1, e2e_latency=1.2,
        ),
        TurnLatency(created_at=None, llm_node_ttft=0.5),
    ]  # fmt: skip


def test_what_is_no_duration_is_left_out() -> None:
    wrong = message("assistant", e2e_latency="1", llm_node_ttft=-1, tts_node_ttfb=True)

    assert turn_latencies([wrong]) == []
