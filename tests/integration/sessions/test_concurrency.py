"""Many callers for one room at once: one session, one agent, on every storage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import httpx
import pytest

from tests.databases import PostgresServer, sqlite_in
from tests.service import Service, running
from tests.simulator import SimulatorProcess

AT_ONCE = 32


@pytest.fixture(
    scope="module",
    params=[
        "memory",
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.slow),
        pytest.param("two workers on postgresql", marks=pytest.mark.slow),
        pytest.param("two replicas on postgresql", marks=pytest.mark.slow),
    ],
)
def services(
    request: pytest.FixtureRequest,
    simulator_process: SimulatorProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sequence[Service]]:
    """The processes that share one ledger, without the reconciler: a test counts dispatches."""
    folder = tmp_path_factory.mktemp("services")
    environ = {**simulator_process.environ, "RECONCILE_INTERVAL_SECONDS": "86400"}
    match request.param:
        case "memory":
            environ["DATABASE_URL"] = "memory://"
        case "sqlite":
            environ["DATABASE_URL"] = sqlite_in(folder)
        case _:
            postgres: PostgresServer = request.getfixturevalue("postgres")
            environ["DATABASE_URL"] = postgres.new_database()
    if "workers" in request.param:
        environ["WORKERS"] = "2"
    replicas = 2 if "replicas" in request.param else 1
    with ExitStack() as stack:
        yield [stack.enter_context(running(environ, folder)) for _ in range(replicas)]


async def post_all(services: Sequence[Service], room: str) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        return await asyncio.gather(
            *(
                client.post(
                    f"{services[number % len(services)].url}/session",
                    json={"userIdentity": f"user-{number}", "roomName": room},
                )
                for number in range(AT_ONCE)
            )
        )


async def test_given_a_new_room_then_one_agent_is_dispatched(
    services: Sequence[Service], simulator: SimulatorProcess, room: str
) -> None:
    before = simulator.state()["requests"].get("CreateDispatch", 0)

    answers = await post_all(services, room)

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["sessionId"] for answer in answers}) == 1
    assert all(answer.json()["agentDispatched"] for answer in answers)
    assert len(simulator.dispatches(room)) == 1
    assert simulator.state()["requests"]["CreateDispatch"] == before + 1


async def test_given_a_dispatch_that_seems_to_fail_then_one_agent_is_dispatched(
    services: Sequence[Service], simulator: SimulatorProcess, room: str
) -> None:
    simulator.fault("CreateDispatch", "error", applied=True)

    answers = await post_all(services, room)

    assert {answer.status_code for answer in answers} == {200}
    assert len(simulator.dispatches(room)) == 1


async def test_given_a_refusal_then_the_others_go_on_and_one_agent_is_dispatched(
    services: Sequence[Service], simulator: SimulatorProcess, room: str
) -> None:
    simulator.fault("CreateDispatch", "error", status=400)

    answers = await post_all(services, room)

    refused = [answer for answer in answers if answer.status_code != 200]
    assert [answer.status_code for answer in refused] == [502]
    assert refused[0].json()["agentDispatched"] is False
    assert len(simulator.dispatches(room)) == 1


async def test_given_a_caller_who_ends_the_room_meanwhile_then_no_dead_room_comes_back(
    services: Sequence[Service], simulator: SimulatorProcess, room: str
) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        ending = asyncio.create_task(
            client.post(f"{services[-1].url}/session/end", json={"roomName": room})
        )
        await post_all(services, room)
        await ending
        answer = await client.post(f"{services[0].url}/session/end", json={"roomName": room})

    assert answer.status_code == 204
    assert simulator.room(room) is None
