"""What a worker uploads on its way to the service, and what can be read when it is answered."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import av
import httpx
import numpy as np
from aiohttp import web

from tests.livekit_server import free_port

UPLOAD: Final = "/observability/recordings/v0"


@attrs.frozen(kw_only=True)
class Seen:
    """What a client reads of a session."""

    said: list[tuple[str, str]]
    """Who said what."""
    measured: set[str]
    """The names of the latencies of its turns."""
    used: list[str]
    audio: bytes

    def loudness(self) -> int:
        """The largest sample of the audio: it is decoded as a player does."""
        with av.open(io.BytesIO(self.audio), mode="r") as container:
            frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        return round(32767 * max(float(np.abs(frame).max()) for frame in frames))


async def seen(http: httpx.AsyncClient, session_id: str) -> Seen:
    path = f"/sessions/{session_id}"
    transcript = (await http.get(f"{path}/transcript")).json()
    usage = (await http.get(f"{path}/usage")).json()
    audio = await http.get(f"{path}/recording")
    items = transcript.get("items", [])
    return Seen(
        said=[(item["role"], item["text"]) for item in items],
        measured={name for item in items for name in item["metrics"]},
        used=[model["type"] for model in usage.get("models", [])],
        audio=audio.content if audio.status_code == 200 else b"",
    )


async def first_read(http: httpx.AsyncClient, session_id: str) -> dict[str, float]:
    """When each part of a session could be read first, once all can."""
    found: dict[str, float] = {}
    while len(found) < 3:
        read = await seen(http, session_id)
        parts = {"transcript": read.said, "usage": read.used, "audio": read.audio}
        found = {name: time.monotonic() for name, part in parts.items() if part} | found
        await asyncio.sleep(0.05)
    return found


@attrs.define
class Uploads:
    """Passes on what workers send. ``session_id`` is the session that is looked at."""

    url: str
    session_id: str = ""
    answers: list[tuple[int, Seen]] = attrs.field(factory=list)
    """Of each upload: how it was answered, and what could be read before the worker knew."""
    telemetry: list[tuple[str, bytes]] = attrs.field(factory=list)
    """The signal and the body of each OTLP message that was passed on."""

    async def pass_on(self, request: web.Request) -> web.Response:
        names = ("Authorization", "Content-Type", "Content-Encoding")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as http:
            body = await request.read()
            answer = await http.post(request.path, content=body, headers=headers)
            if request.path != UPLOAD:
                self.telemetry.append((request.path.split("/")[2], body))
            else:
                read = await seen(http, self.session_id) if answer.status_code == 200 else NOTHING
                self.answers.append((answer.status_code, read))
        content_type = answer.headers.get("Content-Type", "")
        kept: dict[str, Any] = {"Content-Type": content_type} if content_type else {}
        return web.Response(body=answer.content, status=answer.status_code, headers=kept)

    @property
    def kept(self) -> Seen | None:
        """What could be read when the first upload was answered 200."""
        return next((read for status, read in self.answers if status == 200), None)

    @property
    def statuses(self) -> list[int]:
        """How each upload was answered."""
        return [status for status, _ in self.answers]


NOTHING: Final = Seen(said=[], measured=set(), used=[], audio=b"")


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[str, list[tuple[str, bytes]]]]:
    """The address of an OTLP receiver, and the path and body of each message that it has taken."""
    collected: list[tuple[str, bytes]] = []

    async def collect(request: web.Request) -> web.Response:
        collected.append((request.path, await request.read()))
        return web.Response()

    port = free_port()
    async with served(collect, port):
        yield f"http://127.0.0.1:{port}", collected


@asynccontextmanager
async def listening(port: int, uploads: Uploads) -> AsyncIterator[None]:
    """Workers that report to ``port`` reach the service."""
    async with served(uploads.pass_on, port):
        yield


@asynccontextmanager
async def served(
    handler: Callable[[web.Request], Awaitable[web.Response]], port: int
) -> AsyncIterator[None]:
    """What is posted to ``port``, whatever its path, is handled, with its body as it came."""
    app = web.Application(client_max_size=2**30)
    app.router.add_post("/{tail:.*}", handler)
    runner = web.AppRunner(app, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()
