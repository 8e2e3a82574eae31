"""What workers report of the sessions that the console shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

import av
import numpy as np


def moment(text: str) -> float:
    """Return the Unix seconds of a time in RFC 3339."""
    return datetime.fromisoformat(text).timestamp()


def message(item_id: str, role: str, text: str, at: float, **metrics: object) -> dict[str, Any]:
    """Return a message of a chat history."""
    return {
        "id": item_id, "type": "message", "role": role, "content": [text], "interrupted": False,
        "metrics": metrics, "created_at": at,
    }  # fmt: skip


def a_tone(seconds: int, loudness: Callable[[Any], Any] = lambda part: part) -> bytes:
    """Return Ogg Opus as workers record it: a tone that grows louder.

    ``loudness`` is from 0 to 1, for each part of the time from 0 to 1.
    """
    rate = 48000
    time = np.arange(seconds * rate) / rate
    samples = (np.sin(2 * np.pi * 440 * time) * 32000 * loudness(time / seconds)).astype(np.int16)
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return out.getvalue()


def a_conversation(began: float) -> list[dict[str, Any]]:
    """Return the items of a conversation of half a minute that began then."""
    tool = {"type": "function_call", "id": "item_3", "call_id": "call_1", "name": "find_slot"}
    result = {**tool, "type": "function_call_output", "id": "item_4", "is_error": False}
    asked = "I would like to come on Monday morning, if that is possible."
    slow = message(
        "item_7", "assistant", "You are booked for Monday at", began + 21, e2e_latency=2.6
    )
    return [
        message("item_1", "assistant", "Hello, how can I help you?", began + 1),
        message("item_2", "user", asked, began + 5),
        {**tool, "arguments": '{"day": "monday"}', "created_at": began + 9},
        {**result, "output": '{"from": "09:00"}', "created_at": began + 10},
        message("item_5", "assistant", "At nine on Monday?", began + 11, e2e_latency=0.9),
        message("item_6", "user", "Yes, please.", began + 16),
        {**slow, "interrupted": True},
        message("item_8", "user", "Thank you, goodbye.", began + 24),
    ]


def a_voice(seconds: int) -> bytes:
    """Return Ogg Opus that is loud and quiet as speech is."""
    return a_tone(seconds, lambda part: np.abs(np.sin(part * 190) * np.sin(part * 17)) ** 1.5)
