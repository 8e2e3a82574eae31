"""What was said is in the ledger when a session has ended: a real, unchanged worker uploads it."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import attrs
import httpx
import pytest
from aiohttp import web
from livekit import api, rtc

from tests.databases import PostgresServer, sqlite_in
from tests.live.conftest import Worker, running_worker
from tests.live.stage import Stage, stage
from tests.live.steps import agent_joins, join, post, speak, until
from tests.live.test_agent import Ear
from tests.live.uploads import Seen, Uploads, collecting, first_read, listening, seen
from tests.livekit_server import free_port
from tests.service import Service, running

pytestmark = pytest.mark.slow

GREETING: Final = "Hello Ann!"
QUESTION: Final = "When do you open?"
ANSWER: Final = "At nine."
LATENCIES: Final = {
    "transcription_delay", "end_of_turn_delay", "llm_node_ttft", "tts_node_ttfb", "e2e_latency",
}  # fmt: skip
SPEAKING_WORKER: Final = Path(__file__).with_name("speaking_worker.py")


@attrs.frozen(kw_only=True)
class Scene:
    """A service, a worker, what passes between them, and clients."""

    service: Service
    worker: Worker
    logged: int
    """How long the worker's log was before."""
    uploads: Uploads
    http: httpx.AsyncClient
    livekit: api.LiveKitAPI
    tasks: asyncio.TaskGroup

    async def spoken_session(self, participant: rtc.Room, room: str) -> str:
        """A session in which user and agent have spoken, and whose room is there yet; its id."""
        ear = Ear(participant)
        started = await post(self.http, "ann", room, greeting=GREETING)
        microphone = await join(participant, started)
        await agent_joins(self.http, self.livekit, room)
        await until(lambda: GREETING in ear.heard)
        while ANSWER not in ear.heard:  # it may not hear the user yet
            await speak(microphone)
            with suppress(TimeoutError):
                await until(lambda: ANSWER in ear.heard, 20)
        await until(lambda: is_listening(participant))
        self.uploads.session_id = started["sessionId"]
        return self.uploads.session_id

    async def end(self, room: str) -> Ended:
        """Delete the session's room, and look for what becomes known of it."""
        at = time.monotonic()
        await self.livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        read = first_read(self.http, self.uploads.session_id)
        return Ended(at, self.tasks.create_task(read))

    async def is_complete_when_answered(self, ended: Ended) -> None:
        """Before the worker has its 200, everything can be read.

        No clock judges that: a slow machine answers later. What the worker and the service do
        between is counted, and the times are printed.
        """
        await until(lambda: self.uploads.kept is not None, 120)
        assert self.uploads.kept is not None
        is_whole(self.uploads.kept)
        await ended.tell("the end", ended.at)

    def waits(self) -> list[float]:
        """How long the worker has waited before each further attempt, in seconds."""
        return [float(found) for found in re.findall(r"retrying in ([\d.]+)s", self.log)]

    @property
    def log(self) -> str:
        return self.worker.output()[self.logged :]


@attrs.frozen
class Ended:
    """When a session ended, and a task that returns when each part of it could be read."""

    at: float
    read: asyncio.Task[dict[str, float]]

    async def tell(self, after: str, since: float) -> None:
        """Print a line with the times (with ``pytest -s``)."""
        test = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].removesuffix(" (call)")
        times = (f"{name} {at - since:.2f} s" for name, at in sorted((await self.read).items()))
        print(f"\n{test}: after {after}: {', '.join(times)}")  # noqa: T201


def is_listening(participant: rtc.Room) -> bool:
    """Whether the agent has said all that it had to say, and has it in its history."""
    others = participant.remote_participants.values()
    return any(other.attributes.get("lk.agent.state") == "listening" for other in others)


def is_whole(read: Seen) -> None:
    """Transcript, latencies, usage and playable audio are there."""
    assert ("assistant", GREETING) in read.said
    assert read.said.index(("user", QUESTION)) < read.said.index(("assistant", ANSWER))
    assert read.measured >= LATENCIES
    assert {*read.used} >= {"stt", "llm", "tts"}
    assert read.audio.startswith(b"OggS")
    assert read.loudness() > 1000


@attrs.frozen(kw_only=True)
class Installation:
    """LiveKit, whose webhooks go to ``stage``'s port, and a worker that reports elsewhere."""

    stage: Stage
    worker: Worker
    reports_to: int
    """The port, where nothing listens but in a block of ``listening``."""

    @asynccontextmanager
    async def scene(self, folder: Path, **environ: str) -> AsyncIterator[Scene]:
        """Everything runs, with a ledger of its own."""
        given = {
            **self.stage.environ,
            "DATABASE_URL": sqlite_in(folder),
            "RECORDINGS_URL": f"file://{folder}/recordings",
            **environ,
        }
        logged = len(self.worker.output())
        with running(given, folder) as service:
            async with self.stage.clients(service) as (http, livekit), asyncio.TaskGroup() as tasks:
                yield Scene(
                    service=service,
                    worker=self.worker,
                    logged=logged,
                    uploads=Uploads(service.url),
                    http=http,
                    livekit=livekit,
                    tasks=tasks,
                )


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder, reports_to = tmp_path_factory.mktemp("reports"), free_port()
    place = folder / "worker"
    place.mkdir()
    with stage(folder) as empty:
        environ = {
            **empty.environ,
            "LIVEKIT_OBSERVABILITY_URL": f"http://127.0.0.1:{reports_to}",
            "QUESTION": QUESTION,
            "ANSWER": ANSWER,
        }
        with running_worker(environ, place, SPEAKING_WORKER) as worker:
            yield Installation(stage=empty, worker=worker, reports_to=reports_to)


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def storage(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "SQLite":
        return {}
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return {"DATABASE_URL": postgres.new_database()}


async def test_a_session_is_in_the_ledger_when_its_upload_is_answered(
    installation: Installation,
    storage: dict[str, str],
    participant: rtc.Room,
    room: str,
    tmp_path: Path,
) -> None:
    """Its turn counts in the statistics, and what the worker traced is with the collector."""
    async with (
        collecting() as (collector, collected),
        installation.scene(tmp_path, **storage, OTEL_EXPORTER_OTLP_ENDPOINT=collector) as on,
        listening(installation.reports_to, on.uploads),
    ):
        await on.spoken_session(participant, room)

        ended = await on.end(room)

        await on.is_complete_when_answered(ended)
        assert (on.waits(), on.uploads.statuses) == ([], [200])
        [group] = (await on.http.get("/statistics")).json()["groups"]
        assert group["turns"] >= 1
        assert group["turnMsP50"] > 0
        sent = on.uploads.telemetry
        await until(lambda: {signal for signal, _ in sent} >= {"traces", "logs"})
        await until(lambda: all((f"/v1/{signal}", body) in collected for signal, body in sent))


async def test_a_worker_tries_again_when_the_service_was_down(
    installation: Installation,
    storage: dict[str, str],
    participant: rtc.Room,
    room: str,
    tmp_path: Path,
) -> None:
    """Nothing listens where it reports to until it has logged that this was so."""
    async with installation.scene(tmp_path, **storage) as on:
        await on.spoken_session(participant, room)
        ended = await on.end(room)
        await until(lambda: "recording upload failed" in on.log)

        async with listening(installation.reports_to, on.uploads):
            await on.is_complete_when_answered(ended)
            assert on.uploads.statuses == [200]  # as soon as it tried again
            assert on.waits()


async def test_a_worker_tries_again_when_the_storage_was_down(
    installation: Installation,
    participant: rtc.Room,
    room: str,
    tmp_path: Path,
    postgres: PostgresServer,
) -> None:
    async with (
        installation.scene(tmp_path, DATABASE_URL=postgres.new_database()) as on,
        listening(installation.reports_to, on.uploads),
    ):
        await on.spoken_session(participant, room)
        postgres.stop()
        try:
            ended = await on.end(room)
            await until(lambda: "recording upload failed" in on.log)
        finally:
            postgres.start()

        await on.is_complete_when_answered(ended)
        assert on.uploads.statuses == [503, 200]


async def test_an_upload_may_come_before_any_webhook(
    installation: Installation,
    storage: dict[str, str],
    participant: rtc.Room,
    room: str,
    tmp_path: Path,
) -> None:
    """LiveKit's webhooks are held back until the report is there; no job asks LiveKit meanwhile."""
    elsewhere = {**storage, "PORT": str(free_port()), "RECONCILE_INTERVAL_SECONDS": "86400"}
    async with (
        held_webhooks(int(installation.stage.environ["PORT"])) as held,
        installation.scene(tmp_path, **elsewhere) as on,
        listening(installation.reports_to, on.uploads),
    ):
        session_id = await on.spoken_session(participant, room)
        ended = await on.end(room)
        await until(lambda: on.uploads.kept is not None, 120)

        known = time.monotonic()
        for headers, body in held:
            await on.http.post("/telephony/livekit-webhook", content=body, headers=headers)

        async with asyncio.timeout(120):
            await ended.tell("the webhooks", known)
        is_whole(await seen(on.http, session_id))
        assert on.uploads.statuses == [200]


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
