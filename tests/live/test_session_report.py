"""What was said is in the ledger when a session has ended: a real, unchanged worker uploads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest
from aiohttp import web
from livekit import api, rtc

from tests.databases import PostgresServer
from tests.live.conftest import Worker, running_worker
from tests.live.stage import environ_of
from tests.live.steps import agent_joins, join, post, until
from tests.live.test_agent import Ear
from tests.livekit_server import LiveKitServer, free_port, livekit_server
from tests.service import Service, running

pytestmark = pytest.mark.slow

GREETING: Final = "Hello Ann!"


@attrs.frozen(kw_only=True)
class Scene:
    """A service, a worker that reports to ``reports_to``, and clients."""

    service: Service
    worker: Worker
    http: httpx.AsyncClient
    livekit: api.LiveKitAPI

    async def spoken_session(self, participant: rtc.Room, room: str) -> str:
        """A session in which the agent has greeted and which has ended; its id."""
        ear = Ear(participant)
        started = await post(self.http, "ann", room, greeting=GREETING)
        await join(participant, started)
        await agent_joins(self.http, self.livekit, room)
        await until(lambda: GREETING in ear.heard)
        await self.livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        session_id: str = started["sessionId"]
        return session_id

    async def is_complete(self, session_id: str) -> None:
        """Transcript, usage and playable audio are in the ledger."""
        path = f"/sessions/{session_id}"
        await until(lambda: self._answers(f"{path}/recording"), 90)
        transcript = (await self.http.get(f"{path}/transcript")).json()
        assert GREETING in [item["text"] for item in transcript["items"]]
        usage = (await self.http.get(f"{path}/usage")).json()
        assert "tts" in [model["type"] for model in usage["models"]]
        audio = await self.http.get(f"{path}/recording")
        assert audio.headers["content-type"] == "audio/ogg"
        assert audio.content.startswith(b"OggS")
        assert b"OpusHead" in audio.content[:200]

    async def _answers(self, path: str) -> bool:
        return (await self.http.get(path)).status_code == 200


@asynccontextmanager
async def scene(
    server: LiveKitServer, folder: Path, reports_to: int | None = None, **environ: Any
) -> AsyncIterator[Scene]:
    """Everything runs; the worker reports to the service, or to the port ``reports_to``."""
    given = environ_of(server, folder, int(environ.pop("PORT", 0) or free_port())) | environ
    given["RECORDINGS_URL"] = f"file://{folder}/recordings"
    url = f"http://127.0.0.1:{reports_to or given['PORT']}"
    with (
        running_worker({**given, "LIVEKIT_OBSERVABILITY_URL": url}, folder) as worker,
        running(given, folder) as service,
    ):
        async with (
            httpx.AsyncClient(base_url=service.url, timeout=60) as http,
            api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit,
        ):
            yield Scene(service=service, worker=worker, http=http, livekit=livekit)


@contextmanager
def server_with_webhooks(folder: Path, port: int) -> Iterator[LiveKitServer]:
    url = f"http://127.0.0.1:{port}/telephony/livekit-webhook"
    with livekit_server(folder, webhook_urls=[url]) as server:
        yield server


@pytest.mark.parametrize("storage", ["SQLite", "PostgreSQL"])
async def test_a_session_is_in_the_ledger_when_it_has_ended(
    storage: str, participant: rtc.Room, room: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    port, environ = free_port(), dict[str, Any]()
    if storage == "PostgreSQL":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        environ["DATABASE_URL"] = postgres.new_database()
    with server_with_webhooks(tmp_path, port) as server:
        async with scene(server, tmp_path, PORT=port, **environ) as on:
            session_id = await on.spoken_session(participant, room)

            await on.is_complete(session_id)


async def test_a_worker_tries_again_when_the_service_was_down(
    participant: rtc.Room, room: str, tmp_path: Path
) -> None:
    """No service listens where it reports to until it has logged that this was so."""
    port, reports_to = free_port(), free_port()
    with server_with_webhooks(tmp_path, port) as server:
        async with scene(server, tmp_path, reports_to, PORT=port) as on:
            session_id = await on.spoken_session(participant, room)
            await until(lambda: "recording upload failed" in on.worker.output())

            async with forwarding(reports_to, port):
                await on.is_complete(session_id)


async def test_a_worker_tries_again_when_the_storage_was_down(
    participant: rtc.Room, room: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    port = free_port()
    with server_with_webhooks(tmp_path, port) as server:
        database: dict[str, Any] = {"DATABASE_URL": postgres.new_database()}
        async with scene(server, tmp_path, PORT=port, **database) as on:
            ear = Ear(participant)
            started = await post(on.http, "ann", room, greeting=GREETING)
            await join(participant, started)
            await agent_joins(on.http, on.livekit, room)
            await until(lambda: GREETING in ear.heard)
            postgres.stop()
            try:
                await on.livekit.room.delete_room(api.DeleteRoomRequest(room=room))
                await until(lambda: "recording upload failed" in on.worker.output())
            finally:
                postgres.start()

            await on.is_complete(started["sessionId"])


async def test_an_upload_may_come_before_any_webhook(
    participant: rtc.Room, room: str, tmp_path: Path
) -> None:
    """LiveKit's webhooks are held back until the report is there; no job asks LiveKit meanwhile."""
    port, held_at = free_port(), free_port()
    with server_with_webhooks(tmp_path, held_at) as server:
        async with (
            held_webhooks(held_at) as held,
            scene(server, tmp_path, PORT=port, RECONCILE_INTERVAL_SECONDS="86400") as on,
        ):
            session_id = await on.spoken_session(participant, room)
            await until(lambda: '"event":"report received"' in on.service.output())

            for headers, body in held:
                await on.http.post("/telephony/livekit-webhook", content=body, headers=headers)

            await on.is_complete(session_id)


@asynccontextmanager
async def forwarding(port: int, to: int) -> AsyncIterator[None]:
    """Connections to ``port`` reach ``to``."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(carry(reader, back), carry(there, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


@asynccontextmanager
async def held_webhooks(port: int) -> AsyncIterator[list[tuple[dict[str, str], bytes]]]:
    """What LiveKit sends to ``port``: the headers and bodies, acknowledged and kept."""
    held: list[tuple[dict[str, str], bytes]] = []

    async def hold(request: web.Request) -> web.Response:
        names = ("Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in names}
        held.append((headers, await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/telephony/livekit-webhook", hold)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield held
    finally:
        await runner.cleanup()
