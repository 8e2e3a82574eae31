from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import attrs
import pytest

from adapters.livekit.client import LiveKitClient
from adapters.livekit.dispatch_rules import LiveKitDispatchRules
from adapters.livekit.dispatcher import LiveKitDispatcher
from adapters.livekit.probe import LiveKitProbe
from adapters.livekit.rooms import LiveKitRooms
from adapters.livekit.trunks import LiveKitTrunks
from adapters.phonenumbers.phone_numbers import normalised
from domain.shared.identifiers import RoomName
from entrypoints.simulator.server import Simulator
from tests.livekit_server import API_KEY, API_SECRET, LiveKitServer, livekit_server
from tests.redis_server import redis_server


@attrs.frozen
class LiveKit:
    """A server under test; ``simulator`` is None if it is a real one."""

    url: str
    simulator: Simulator | None


@attrs.frozen
class Adapters:
    """The ports, as the application gets them."""

    dispatcher: LiveKitDispatcher
    rooms: LiveKitRooms
    probe: LiveKitProbe
    trunks: LiveKitTrunks
    rules: LiveKitDispatchRules

    @classmethod
    def over(cls, client: LiveKitClient) -> Adapters:
        rooms = LiveKitRooms(client, "sip_", normalised)
        return cls(
            LiveKitDispatcher(client),
            rooms,
            LiveKitProbe(client),
            LiveKitTrunks(client, normalised),
            LiveKitDispatchRules(client, normalised),
        )


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Return once ``condition`` holds; raises :class:`TimeoutError` if it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what a server does sets no event here
            await asyncio.sleep(0.02)


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(API_KEY, API_SECRET) as simulator:
        yield simulator


@pytest.fixture(params=["simulator", "livekit-server"])
def livekit(request: pytest.FixtureRequest) -> LiveKit:
    if request.param == "simulator":
        simulator: Simulator = request.getfixturevalue("simulator")
        return LiveKit(simulator.url, simulator)
    server: LiveKitServer = request.getfixturevalue("real_server")
    return LiveKit(server.url, None)


@pytest.fixture(scope="session")
def real_server_with_sip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    folder = tmp_path_factory.mktemp("livekit-sip")
    with redis_server(folder) as redis, livekit_server(folder, redis=redis) as server:
        yield server


@pytest.fixture
async def adapters(livekit: LiveKit) -> AsyncIterator[Adapters]:
    async with LiveKitClient(livekit.url, API_KEY, API_SECRET) as client:
        yield Adapters.over(client)


@pytest.fixture
def room_name() -> RoomName:
    """A room that nobody has used before."""
    return RoomName(f"room-{uuid.uuid4()}")
