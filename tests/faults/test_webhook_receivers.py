"""Receivers that fail, hang, close, redirect and lie, and replicas that are killed, each in turn.

Every event reaches each good receiver, in the order of its session, with a signature that the
library of Standard Webhooks verifies.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.databases import PostgresServer
from tests.faults.replicas import Replicas
from tests.livekit_server import free_port
from tests.receivers import Receivers, running_receivers
from tests.simulator import running_simulator

pytestmark = pytest.mark.slow

SESSIONS: Final = 110
KILLS: Final = 3
GOOD: Final[dict[str, int | str]] = {
    "/good": 204,
    "/slow-to-believe": "fails a third at first",
    "/endless": "answers without end",
}
BAD: Final[dict[str, int | str]] = {
    "/fails": 500, "/hangs": "hangs", "/closes": "closes", "/redirects": "redirects",
}  # fmt: skip


@attrs.frozen
class Run:
    """Two replicas on PostgreSQL, and webhooks that lead to the receivers."""

    replicas: Replicas
    receivers: Receivers
    postgres: PostgresServer
    database: str
    secrets: dict[str, str] = attrs.field(factory=dict)
    ids: dict[str, str] = attrs.field(factory=dict)
    places: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(4))

    async def request(self, method: str, path: str, body: Any, key: str) -> httpx.Response:
        """Send a request until a replica answers it."""
        for url in itertools.cycle(self.replicas.urls()):
            try:
                async with httpx.AsyncClient(base_url=url, timeout=20) as client:
                    answer = await client.request(
                        method, path, json=body, headers={"Idempotency-Key": key}
                    )
                if answer.status_code < 500 and answer.status_code not in (408, 409, 429):
                    return answer
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2)
        raise AssertionError

    async def subscribe(self) -> None:
        for path, behaviour in {**GOOD, **BAD}.items():
            self.receivers.behaviours[path] = behaviour
            body = {"url": f"{self.receivers.url}{path}", "events": ["*"]}
            answer = await self.request("POST", "/webhooks", body, path)
            assert answer.status_code == 201, answer.text
            self.secrets[path] = answer.json()["secret"]
            self.ids[path] = answer.json()["webhookId"]

    async def session(self, number: int) -> None:
        async with self.places:
            room = {"roomName": f"room-{number}"}
            body = {"userIdentity": f"user-{number}", **room}
            started = await self.request("POST", "/session", body, f"start-{number}")
            assert started.status_code == 200, started.text
            await self.request("POST", "/session/end", room, f"end-{number}")

    async def kill(self) -> None:
        for _ in range(KILLS):
            await asyncio.sleep(2)
            await self.replicas.kill_one()

    def events(self) -> dict[str, list[str]]:
        """The ids of all events by lane, in order."""
        query = "SELECT lane, id FROM events WHERE kind LIKE 'session.%' ORDER BY sequence"
        lanes: dict[str, list[str]] = defaultdict(list)
        for line in self.postgres.sql(query, self.database).splitlines():
            lane, event_id = line.split("|")
            lanes[lane].append(event_id)
        return lanes

    def missing(self) -> dict[str, int]:
        wanted = {event_id for ids in self.events().values() for event_id in ids}
        found = {}
        for path in GOOD:
            received = {one.headers["webhook-id"] for one in self.receivers.of(path)}
            if left := len(wanted - received):
                found[path] = left
        return found


@pytest.fixture
def run(postgres: PostgresServer, tmp_path: Path) -> Iterator[Run]:
    url = postgres.new_database()
    with running_simulator() as simulator, running_receivers() as receivers:
        simulator.register_worker("shreya-obnox")
        environ = {
            **simulator.environ,
            "DATABASE_URL": url,
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "RATE_LIMIT_ENABLED": "false",
            "RECONCILE_INTERVAL_SECONDS": "2",
        }
        replicas = Replicas([free_port(), free_port()], environ, tmp_path)
        try:
            replicas.start()
            name = url.split("/")[3].split("?", maxsplit=1)[0]
            yield Run(replicas, receivers, postgres, name)
        finally:
            replicas.stop()


@pytest.mark.timeout(600)
async def test_every_event_reaches_every_good_receiver_in_order(run: Run) -> None:
    await run.subscribe()
    await asyncio.gather(run.kill(), *map(run.session, range(SESSIONS)))

    deadline = time.monotonic() + 240
    while (missing := run.missing()) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(1)

    assert missing == {}
    lanes = run.events()
    assert len(lanes) >= SESSIONS
    for path in GOOD:
        received = run.receivers.of(path)
        first = list(dict.fromkeys(one.headers["webhook-id"] for one in _taken(path, received)))
        places = {event_id: place for place, event_id in enumerate(first)}
        for lane, ids in lanes.items():
            assert sorted(ids, key=places.__getitem__) == ids, (path, lane)
        verifier = Verifier(run.secrets[path])
        for one in received:
            verifier.verify(one.body, one.headers)
        assert {one.body for one in received if one.headers["webhook-id"] == first[0]} == {
            received[0].body
        }
    for path in BAD:
        webhook = await run.request("GET", f"/webhooks/{run.ids[path]}", None, "x")
        assert webhook.json()["failingSince"] is not None, path
    assert "/elsewhere" not in run.receivers.received
    assert "whsec_" not in run.replicas.output()


def _taken(path: str, received: list[Any]) -> Iterator[Any]:
    """Those that the receiver has confirmed."""
    seen: set[str] = set()
    for one in received:
        event_id = one.headers["webhook-id"]
        refused = path == "/slow-to-believe" and event_id not in seen and event_id[-1] in "05af9"
        seen.add(event_id)
        if not refused:
            yield one
