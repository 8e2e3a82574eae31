"""A recording's audio as an answer: whole or in part, streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from domain.recordings.byte_range import ByteRange, byte_range
from domain.recordings.play_recording import Audio
from domain.recordings.recording import Recording
from domain.shared.errors import DomainError
from entrypoints.http.middleware.headers import header
from entrypoints.http.middleware.request_log import ids, note

log = structlog.get_logger()

_SUFFIXES: Final = {"audio/ogg": "ogg", "audio/mpeg": "mp3", "audio/wav": "wav"}
_UNKNOWN: Final = "application/octet-stream"


async def audio_response(scope: Scope, audio: Audio) -> AudioResponse:
    """Return the part that the request asks for. Raises ``RangeNotSatisfiable``, and the store's.

    The answer to HEAD has the same headers as the one to GET.
    """
    recording = audio.recording
    note(scope, recordingId=recording.id)
    entity_tag = f'"{recording.id}-{audio.size}"'
    part = byte_range(_asked(scope, entity_tag), audio.size)
    whole = ByteRange(0, audio.size, audio.size)
    sent = part or whole
    headers = [
        (b"content-type", _content_type(recording).encode()),
        (b"content-length", b"%d" % (sent.end - sent.start)),
        (b"accept-ranges", b"bytes"),
        (b"etag", entity_tag.encode()),
        (b"cache-control", b"private, no-cache"),
        (b"content-disposition", f'inline; filename="{_file_name(recording)}"'.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    if part is not None:
        headers.append((b"content-range", part.content_range.encode()))
    if scope.get("method") == "HEAD":
        chunks = _nothing()
    else:
        chunks = await audio.read(sent.start, sent.end)
    status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
    return AudioResponse(_Streamed(status, headers, chunks))


class AudioResponse(Response[None]):
    """What Litestar takes from a handler."""

    def __init__(self, streamed: _Streamed) -> None:
        super().__init__(None, status_code=streamed.status_code)
        self._streamed = streamed

    def to_asgi_response(self, *_arguments: Any, **_options: Any) -> ASGIResponse:
        """Return the ASGI application that sends the response."""
        return self._streamed


class _Streamed(ASGIResponse):
    """Sends chunks as they come, and as its client takes them."""

    __slots__ = ("_chunks", "_headers")

    def __init__(
        self, status: int, headers: list[tuple[bytes, bytes]], chunks: AsyncIterator[bytes]
    ) -> None:
        self.status_code = status
        self._headers = headers
        self._chunks: Any = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send it. Raises if the store fails: the server then closes the connection."""
        async with aclosing(self._chunks) as chunks:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self._headers,
                }
            )
            try:
                async for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            except DomainError as error:
                log.warning("recording cut off", reason=str(error), **ids(scope))
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _asked(scope: Scope, entity_tag: str) -> str | None:
    """Return the ``Range`` header, unless ``If-Range`` says that it is about another object."""
    asked = header(scope, b"range").decode("latin-1")
    condition = header(scope, b"if-range").decode("latin-1").strip()
    return asked if asked and condition in ("", entity_tag) else None


def _content_type(recording: Recording) -> str:
    """Return the type if it is one of audio: a worker must not make a page of it."""
    return recording.content_type if recording.content_type in _SUFFIXES else _UNKNOWN


def _file_name(recording: Recording) -> str:
    return f"recording-{recording.id}.{_SUFFIXES.get(recording.content_type, 'bin')}"
