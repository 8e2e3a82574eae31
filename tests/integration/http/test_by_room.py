"""GET …/by-room/{roomName}: a room of any name that LiveKit allows is found by that name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import quote

import attrs
import httpx
import pytest

from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import running
from tests.simulator import running_simulator

NAMES = [
    "team/alpha", "/alpha", "alpha/", "a//b", "a/../b", "a/./b", "..", ".", "%", "100%", "a%2Fb",
    "a%252Fb", "%2F", "a?b#c", "a\\b", " lead", "trail ", "a b", "+", "call-_+15105550100_x",
    "комната №1", "health", "by-room", "x/by-room/y", "\N{SLIGHTLY SMILING FACE}",
]  # fmt: skip
PLACES = ["/telephony/calls/by-room", "/sessions/by-room"]


@attrs.frozen
class Rooms:
    """A service that knows a call in a room of each name."""

    client: httpx.Client

    def name_at(self, path: str) -> object:
        """The ``roomName`` that is at ``path``, which is sent as it is (httpx resolves dots)."""
        url = self.client.base_url
        with closing(HTTPConnection(url.host, url.port or 80, timeout=30)) as connection:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read()).get("roomName")


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    environ = {
        "TELEPHONY_ENABLED": "true",
        "DATABASE_URL": "memory://",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    with (
        running_simulator() as simulator,
        running(simulator.environ | environ, tmp_path_factory.mktemp("rooms")) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        simulator.register_worker("shreya-obnox")
        for number, name in enumerate(NAMES):
            body = Caller(room=name, room_sid=f"RM_{number}").joined()
            assert send(client, body).status_code == 200
        eventually(
            lambda: client.get("/sessions?limit=100").json()["sessions"],
            lambda sessions: len(sessions) == len(NAMES),
        )
        yield Rooms(client)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NAMES)
def test_a_room_is_found_by_its_name_encoded(rooms: Rooms, place: str, name: str) -> None:
    everything = "".join(f"%{byte:02x}" for byte in name.encode())

    assert rooms.name_at(f"{place}/{quote(name, safe='')}") == name
    assert rooms.name_at(f"{place}/{everything}") == name
    assert rooms.name_at(f"{place}/{quote(name, safe='')}/") == name
    assert rooms.name_at(f"{place}/{quote(name, safe='')}?x=/by-room/y") == name


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["team/alpha", "a//b", "x/by-room/y", "by-room"])
def test_a_proxy_may_decode_the_slashes(rooms: Rooms, place: str, name: str) -> None:
    assert rooms.name_at(f"{place}/{name}") == name
    assert rooms.name_at(f"/{place}/{name}") == name


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("sent", ["team", "alpha", "team%252Falpha", "A%2Fb", "%FF", "%00", "x%2F"])
def test_no_other_room_is_found(rooms: Rooms, place: str, sent: str) -> None:
    assert rooms.name_at(f"{place}/{sent}") is None
