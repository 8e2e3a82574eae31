"""What workers send: reports as livekit-agents 1.8.9 makes them."""

from __future__ import annotations

import json
from typing import Any, Final

from livekit import api
from livekit.protocol.metrics import MetricsRecordingHeader

from tests.livekit_server import API_KEY, API_SECRET

ROOM_SID: Final = "RM_hycBMAjmt6Ub"
JOB: Final = "AJ_7SGcfDCBvSHo"
OGG: Final = b"OggS" + bytes(range(256)) * 8
ITEMS: Final[list[dict[str, Any]]] = [
    {
        "id": "item_1",
        "type": "message",
        "role": "user",
        "content": ["When do you open?"],
        "interrupted": False,
        "metrics": {"transcription_delay": 0.2, "end_of_turn_delay": 0.5},
        "created_at": 1795789012.5,
    },
    {
        "id": "item_2",
        "type": "message",
        "role": "assistant",
        "content": ["At nine."],
        "interrupted": False,
        "metrics": {"llm_node_ttft": 0.4, "tts_node_ttfb": 0.1, "e2e_latency": 1.1},
        "created_at": 1795789014.5,
    },
]
SUMMARY: Final[dict[str, Any]] = {
    "room": "support-7",
    "usage": [
        {
            "type": "llm_usage",
            "provider": "openai",
            "model": "gpt-4o-mini",
            "input_tokens": 120,
            "output_tokens": 30,
        }
    ],
    "duration_ms": 4000,
    "user_turns": 1,
    "sdk_version": "1.8.9",
}


def worker_token(
    key: str = API_KEY, secret: str = API_SECRET, *, observability: bool = True
) -> str:
    """The JWT that a worker makes."""
    token = api.AccessToken(key, secret)
    if observability:
        token = token.with_observability_grants(api.ObservabilityGrants(write=True))
    return token.to_jwt()


def a_header(
    room_sid: str = ROOM_SID,
    job_id: str = JOB,
    duration_ms: int = 4000,
    started_ms: int = 1795789012000,
    **summary: Any,
) -> bytes:
    """The part ``header``; ``summary`` differs so from :data:`SUMMARY`."""
    header = MetricsRecordingHeader(
        room_id=room_sid,
        job_id=job_id,
        duration=duration_ms,
        session_summary=json.dumps({**SUMMARY, **summary}),
    )
    header.start_time.FromMilliseconds(started_ms)
    encoded: bytes = header.SerializeToString()
    return encoded


def chat_history(items: list[dict[str, Any]] | None = None) -> bytes:
    """The part ``chat_history``."""
    return json.dumps({"items": ITEMS if items is None else items}).encode()


def multipart(*parts: tuple[str, bytes, str], boundary: str = "b7c1") -> bytes:
    """A body with these parts: their names, contents and content types."""
    body = b"".join(
        f"--{boundary}\r\nContent-Type: {media_type}\r\n"
        f'Content-Disposition: form-data; name="{name}"; filename="{name}.bin"\r\n'
        f"Content-Length: {len(content)}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content, media_type in parts
    )
    return body + f"--{boundary}--\r\n".encode()


def an_upload(**parts: bytes) -> list[tuple[str, bytes, str]]:
    """The parts of an upload; ``parts`` replace the worker's."""
    given = {"header": a_header(), "chat_history": chat_history(), "audio": OGG, **parts}
    types = {
        "header": "application/protobuf", "chat_history": "application/json", "audio": "audio/ogg",
    }  # fmt: skip
    return [(name, content, types.get(name, "text/plain")) for name, content in given.items()]
