"""Who may read the ledger: everybody in development, in production whoever has an API key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import httpx
import pytest

from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import running
from tests.simulator import SimulatorProcess

KEY = "a-key-that-only-tests-know"
OTHER_KEY = "another-key-only-tests-know"
BEARER = {"Authorization": f"Bearer {KEY}"}
ROOM = "call-_+15105550100_exposed"
PRIVATE_ROUTES = {
    "GET /sessions",
    "GET /sessions/{sessionId}",
    "GET /sessions/by-room/{roomName}",
    "GET /telephony/calls",
    "GET /telephony/calls/{callId}",
    "GET /telephony/calls/by-room/{roomName}",
    "GET /api-keys",
    "POST /api-keys",
    "DELETE /api-keys/{prefix}",
    "GET /telephony/trunks",
    "POST /telephony/trunks",
    "DELETE /telephony/trunks/{trunkId}",
    "GET /telephony/dispatch-rules",
    "POST /telephony/dispatch-rules",
    "DELETE /telephony/dispatch-rules/{dispatchRuleId}",
}


@attrs.frozen
class Exposed:
    """A service in whose ledger are a session and a call, and the paths that would show them."""

    client: httpx.Client
    paths: tuple[str, ...]

    def get(self, **headers: str) -> list[httpx.Response]:
        return [self.client.get(path, headers=headers) for path in self.paths]

    def statuses(self, **headers: str) -> set[int]:
        return {answer.status_code for answer in self.get(**headers)}

    def routes(self) -> set[str]:
        return set(self.client.get("/").json()["routes"])


@contextmanager
def service(simulator: SimulatorProcess, folder: Path, **environ: str) -> Iterator[Exposed]:
    settings = {
        **simulator.environ,
        "DATABASE_URL": "memory://",
        "TELEPHONY_ENABLED": "true",
        **environ,
    }
    headers = BEARER if "API_KEYS" in environ else {}
    with running(settings, folder) as process, httpx.Client(base_url=process.url) as client:
        posted = client.post("/session", json={"userIdentity": "ann"}, headers=headers)
        started = posted.json()
        assert send(client, Caller(room=ROOM, room_sid="RM_1").left()).status_code == 200
        yield Exposed(
            client,
            (
                "/sessions",
                "/sessions?status=active&limit=1",
                f"/sessions/{started['sessionId']}",
                f"/sessions/by-room/{started['roomName']}",
                "/telephony/calls",
                f"/telephony/calls/by-room/{ROOM}",
            ),
        )


@pytest.fixture(scope="module")
def development(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exposed]:
    with service(simulator_process, tmp_path_factory.mktemp("development")) as exposed:
        yield exposed


@pytest.fixture(scope="module")
def keyed(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exposed]:
    """Development with an API key."""
    with service(simulator_process, tmp_path_factory.mktemp("keyed"), API_KEYS=KEY) as exposed:
        yield exposed


@pytest.fixture(scope="module")
def production(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exposed]:
    folder = tmp_path_factory.mktemp("production")
    with service(simulator_process, folder, APP_ENV="production") as exposed:
        yield exposed


@pytest.fixture(scope="module")
def guarded(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exposed]:
    """Production with two API keys of one tenant."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = f"ann={OTHER_KEY}, ann={KEY}"
    with service(simulator_process, folder, APP_ENV="production", API_KEYS=keys) as exposed:
        yield exposed


def with_the_call(exposed: Exposed, **headers: str) -> Exposed:
    """The same with the path of its call, which ``headers`` let one see."""
    path = f"/telephony/calls/by-room/{ROOM}"
    call = eventually(
        lambda: exposed.client.get(path, headers=headers), lambda answer: answer.status_code == 200
    )
    return Exposed(exposed.client, (*exposed.paths, f"/telephony/calls/{call.json()['callId']}"))


def test_in_development_everything_is_open(development: Exposed) -> None:
    exposed = with_the_call(development)

    assert exposed.statuses() == {200}
    assert exposed.statuses(Authorization="Bearer wrong") == {200}
    assert exposed.routes() >= PRIVATE_ROUTES


def test_without_a_key_operators_are_warned(development: Exposed, keyed: Exposed) -> None:
    (warning,) = development.client.get("/health/ready").json()["warnings"]

    assert "everybody who reaches this service may use it" in warning
    assert keyed.client.get("/health/ready").json()["warnings"] == []


def test_once_there_is_a_key_every_route_needs_it(keyed: Exposed) -> None:
    exposed = with_the_call(keyed, **BEARER)

    assert exposed.statuses(**BEARER) == {200}
    for answer in (*exposed.get(), *exposed.get(Authorization="Bearer wrong")):
        assert answer.status_code == 401
        assert answer.json()["code"] == "invalid_api_key"
        assert answer.headers["www-authenticate"] == "Bearer"
    assert exposed.routes() >= PRIVATE_ROUTES


@pytest.mark.parametrize("headers", [{}, BEARER, {"X-API-Key": ""}])
def test_in_production_without_keys_there_is_nothing_to_see(
    production: Exposed, headers: dict[str, str]
) -> None:
    paths = (*production.paths, "/telephony/calls/01890a5d-ac96-774b-bcce-b302099a8057")

    for answer in Exposed(production.client, paths).get(**headers):
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
        assert answer.json()["requestId"] == answer.headers["x-request-id"]


def test_in_production_without_keys_no_route_is_listed(production: Exposed) -> None:
    assert not PRIVATE_ROUTES & production.routes()
    assert {"POST /session", "POST /telephony/livekit-webhook"} <= production.routes()


@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"Authorization": f"bearer {KEY}"},  # RFC 9110: in any case
        {"Authorization": f"Bearer {OTHER_KEY}"},
        {"X-API-Key": KEY},
        {"X-API-Key": OTHER_KEY, "Authorization": "Basic YW5uOnNlY3JldA=="},
    ],
    ids=str,
)
def test_in_production_a_key_opens_everything(guarded: Exposed, headers: dict[str, str]) -> None:
    assert with_the_call(guarded, **BEARER).statuses(**headers) == {200}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Bearer {KEY[:-1]}"},
        {"Authorization": f"Bearer {KEY.upper()}"},
        {"Authorization": f"Bearer {OTHER_KEY}, {KEY}"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"X-API-Key": ""},
        {"X-API-Key": "wrong"},
        {"X-API-Key": f"Bearer {KEY}"},
        {"Cookie": f"X-API-Key={KEY}"},
    ],
    ids=str,
)
def test_in_production_without_the_key_it_is_as_if_there_were_nothing(
    guarded: Exposed, headers: dict[str, str]
) -> None:
    exposed = with_the_call(guarded, **BEARER)

    for answer in exposed.get(**headers):
        nothing = guarded.client.get("/nothing-here", headers=headers)
        assert answer.status_code == nothing.status_code == 404
        assert answer.json()["code"] == nothing.json()["code"]
        path = answer.request.url.path
        assert answer.json()["error"] == nothing.json()["error"].replace("/nothing-here", path)


@pytest.mark.parametrize(
    "path",
    ["/sessions?limit=x", "/telephony/calls?since=x", "/sessions/x", "/telephony/calls/by-room/x"],
)
def test_a_wrong_request_without_the_key_learns_nothing_either(guarded: Exposed, path: str) -> None:
    assert guarded.client.get(path).json()["code"] == "not_found"
    assert guarded.client.get(path, headers={b"X-API-Key": b"k\xe9y"}).status_code == 404


def test_in_production_with_keys_the_routes_are_listed_and_starting_needs_a_key(
    guarded: Exposed,
) -> None:
    assert guarded.routes() >= PRIVATE_ROUTES
    assert guarded.client.get("/health").status_code == 200
    refused = guarded.client.post("/session", json={"userIdentity": "ann"})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_api_key")
    assert guarded.client.get(f"/sessions?limit=1&api_key={KEY}").status_code == 404
