"""Idempotency-Key while processes are killed and LiveKit fails: one session, one agent for each."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import attrs
import httpx
import pytest
from sqlalchemy import Connection, update

from adapters.sqlalchemy.idempotency import idempotency
from adapters.sqlalchemy.sessions.table import sessions
from adapters.sqlalchemy.storage import SqlStorage
from domain.idempotency.idempotent_execution import LEASE
from tests.databases import PostgresServer, sqlite_in
from tests.integration.http.webhooks import eventually
from tests.service import Service, running, start
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow

KEYS = [f"key-{number}" for number in range(16)]
CALLERS_OF_A_KEY = 2


@attrs.frozen
class Deployment:
    """Processes that share a database; they are killed together, as by a loss of power."""

    environ: dict[str, str]
    replicas: int
    folder: Path

    def start(self) -> list[Service]:
        return [start(self.environ, self.folder) for _ in range(self.replicas)]

    def pass_leases(self) -> None:
        """As time would, while nothing runs."""
        asyncio.run(self._pass_leases())

    async def _pass_leases(self) -> None:
        def work(connection: Connection) -> None:
            began = idempotency.c.created_at
            connection.execute(update(idempotency).values(lease_expires_at=began))
            held = sessions.c.claim_expires_at.is_not(None)
            connection.execute(
                update(sessions).where(held).values(claim_expires_at=sessions.c.created_at)
            )

        async with SqlStorage(self.environ["DATABASE_URL"]) as ledger:
            await ledger.database.transact(work)


@pytest.fixture(params=["sqlite", "two replicas on postgresql"])
def deployment(
    request: pytest.FixtureRequest, simulator: SimulatorProcess, tmp_path: Path
) -> Iterator[Deployment]:
    environ = {
        **simulator.environ,
        "DATABASE_URL": sqlite_in(tmp_path),
        "RATE_LIMIT_ENABLED": "false",
    }
    replicas = 1
    if request.param != "sqlite":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        environ["DATABASE_URL"] = postgres.new_database()
        replicas = 2
    yield Deployment(environ, replicas, tmp_path)
    simulator.chaos()


class Callers:
    """Two callers for each key, who repeat until they are answered, and then once more."""

    def __init__(self) -> None:
        self.answers: defaultdict[str, list[str]] = defaultdict(list)
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self._here = uuid.uuid4()  # rooms that no other test uses
        self._random = random.Random(6)

    async def call(self, services: Sequence[Service]) -> None:
        async with httpx.AsyncClient(timeout=60) as client, asyncio.TaskGroup() as group:
            for key in KEYS * CALLERS_OF_A_KEY:
                group.create_task(self._repeat(client, services, key))

    async def call_for(self, seconds: float, services: Sequence[Service]) -> None:
        calling = asyncio.create_task(self.call(services))
        await asyncio.wait([calling], timeout=seconds)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)

    async def _repeat(
        self, client: httpx.AsyncClient, services: Sequence[Service], key: str
    ) -> None:
        room = f"{key}-{self._here}" if int(key[4:]) % 2 else None
        answered = 0
        while answered < 2:
            service = self._random.choice(services)
            answer = await client.post(
                f"{service.url}/session",
                json={"userIdentity": key, "roomName": room},
                headers={"Idempotency-Key": key},
            )
            self.statuses[answer.status_code] += 1
            assert answer.status_code in (200, 409, 502), answer.text
            if answer.status_code == 200:
                self.answers[key].append(answer.json()["sessionId"])
                answered += 1
            await asyncio.sleep(self._random.uniform(0.01, 0.1))


def test_whatever_fails_and_whoever_is_killed_each_key_has_one_session_and_one_agent(
    deployment: Deployment, simulator: SimulatorProcess
) -> None:
    callers = Callers()
    for hanging, seconds in ((2, 0.3), (12, 0.6)):
        services = deployment.start()
        simulator.chaos(fail_after_applying=0.3, seed=hanging)
        simulator.fault("CreateDispatch", "hang", applied=True, times=hanging)
        asyncio.run(callers.call_for(seconds, services))
        for service in services:
            service.kill()
        simulator.no_faults()
        deployment.pass_leases()
    with ExitStack() as stack:
        services = [
            stack.enter_context(running(deployment.environ, deployment.folder))
            for _ in range(deployment.replicas)
        ]
        asyncio.run(callers.call(services))
        url = f"{services[0].url}/sessions?limit=200"
        sessions = httpx.get(url).json()["sessions"]

    assert callers.answers.keys() == set(KEYS)
    assert {key: len(set(told)) for key, told in callers.answers.items()} == dict.fromkeys(KEYS, 1)
    assert sorted(one["userIdentity"] for one in sessions) == sorted(KEYS)
    for session in sessions:
        assert callers.answers[session["userIdentity"]][0] == session["sessionId"]
        assert len(simulator.dispatches(session["roomName"])) == 1
        assert len(simulator.agents(session["roomName"])) == 1
    assert callers.statuses[409] + callers.statuses[502] > 0, "nothing went wrong"


def test_a_key_whose_process_was_killed_is_free_before_its_lease_is_over(
    deployment: Deployment, simulator: SimulatorProcess
) -> None:
    body, headers = {"userIdentity": "ann"}, {"Idempotency-Key": "killed"}
    simulator.fault("CreateDispatch", "hang", applied=True)
    (service, *others) = deployment.start()
    began = time.monotonic()
    asked = simulator.state()["requests"].get("CreateDispatch", 0)
    with ThreadPoolExecutor() as pool:
        url = f"{service.url}/session"
        cut_off = pool.submit(httpx.post, url, json=body, headers=headers, timeout=60)
        eventually(lambda: simulator.state()["requests"].get("CreateDispatch", 0), asked.__lt__)
        service.kill()
        assert isinstance(cut_off.exception(), httpx.TransportError)
    simulator.no_faults()
    survivor = others[0] if others else deployment.start()[0]
    with httpx.Client(base_url=survivor.url, headers=headers, timeout=30) as client:
        answer = client.post("/session", json=body)
        while answer.status_code == 409 and time.monotonic() < began + LEASE.total_seconds():
            assert answer.json()["code"] == "idempotency_in_flight"
            time.sleep(int(answer.headers["retry-after"]))
            answer = client.post("/session", json=body)

        sessions = client.get("/sessions").json()["sessions"]
    survivor.stop()
    assert answer.status_code == 200
    assert time.monotonic() < began + LEASE.total_seconds()
    assert "idempotency-replayed" not in answer.headers
    assert [one["sessionId"] for one in sessions] == [answer.json()["sessionId"]]
    assert len(simulator.dispatches(answer.json()["roomName"])) == 1


def test_no_token_is_stored(simulator: SimulatorProcess, tmp_path: Path) -> None:
    environ = {**simulator.environ, "DATABASE_URL": sqlite_in(tmp_path)}
    with running(environ, tmp_path) as service:
        answer = httpx.post(
            f"{service.url}/session",
            json={"userIdentity": "ann"},
            headers={"Idempotency-Key": "secret"},
        )
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("ledger.db*"))
    assert answer.json()["roomName"].encode() in stored
    assert b"eyJ" not in stored
    assert answer.json()["userToken"].encode() not in stored
