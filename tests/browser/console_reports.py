"""What workers report of the sessions that the console shows."""

from __future__ import annotations

import io
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


def a_tone(seconds: int) -> bytes:
    """Return Ogg Opus as workers record it: a tone that grows louder."""
    rate = 48000
    time = np.arange(seconds * rate) / rate
    samples = (np.sin(2 * np.pi * 440 * time) * 32000 * time / seconds).astype(np.int16)
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return out.getvalue()
