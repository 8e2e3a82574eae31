"""How many requests a key or an address may send, on the running service."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.integration.http.webhooks import event, send
from tests.service import running
from tests.simulator import SimulatorProcess

LIMIT = 10
ANN, BEN = "ann-s-key-of-the-tests", "ben-s-key-of-the-tests"


def wait_for_enough_of_a_window() -> None:
    """Windows are those of the clock: a test's requests are to fall into one."""
    left = 60 - time.time() % 60
    if left < 6:
        time.sleep(left)


@pytest.fixture
def limited(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[httpx.Client]:
    """A service with a small limit, two keys, and a proxy in front."""
    environ = {
        **simulator.environ,
        "DATABASE_URL": "memory://",
        "TELEPHONY_ENABLED": "true",
        "API_KEYS": f"{ANN},{BEN}",
        "RATE_LIMIT_PER_MINUTE": str(LIMIT),
        "TRUSTED_PROXIES": "1",
        "MAX_SESSIONS_PER_KEY": "2",
    }
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        wait_for_enough_of_a_window()
        yield client


def ask(client: httpx.Client, key: str = ANN, **headers: str) -> httpx.Response:
    return client.get("/sessions", headers={"X-API-Key": key, **headers})


def test_who_asks_too_much_is_told_when_to_come_back(limited: httpx.Client) -> None:
    answers = [ask(limited) for _ in range(LIMIT + 1)]

    assert [answer.status_code for answer in answers] == [200] * LIMIT + [429]
    for left, answer in zip([*range(LIMIT - 1, -1, -1), 0], answers, strict=True):
        assert answer.headers["ratelimit-policy"] == f'"default";q={LIMIT};w=60'
        found = re.fullmatch(r'"default";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
        assert found
        assert int(found[1]) == left
        assert 1 <= int(found[2]) <= 60
    refused = answers[-1]
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-request-id"] == refused.json()["requestId"]


def test_one_key_s_limit_is_not_another_s_nor_an_address_s(limited: httpx.Client) -> None:
    for _ in range(LIMIT + 1):
        ask(limited)

    assert ask(limited, BEN).status_code == 200
    assert ask(limited, "no-key").status_code == 401


def test_keys_cannot_be_guessed_faster_whoever_is_said_to_ask(limited: httpx.Client) -> None:
    spoofed = [f"198.51.100.{number}, 203.0.113.7" for number in range(LIMIT + 1)]

    answers = [
        ask(limited, f"guess-{address}", **{"X-Forwarded-For": address}) for address in spoofed
    ]

    assert [answer.status_code for answer in answers] == [401] * LIMIT + [429]
    assert ask(limited, "guess", **{"X-Forwarded-For": "203.0.113.8"}).status_code == 401
    assert ask(limited).status_code == 200  # a key is its owner's wherever it comes from


def test_health_the_webhook_and_preflights_are_not_limited(limited: httpx.Client) -> None:
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    for _ in range(LIMIT + 1):
        assert limited.get("/health").status_code == 200
        assert limited.get("/").status_code == 200
        assert limited.get("/health/ready").status_code == 200
        assert send(limited, event("room_started")).status_code == 200
        assert limited.options("/session", headers=preflight).status_code == 204
    assert "ratelimit" not in limited.get("/health").headers


def test_a_key_has_only_so_many_live_sessions_and_may_join_them(limited: httpx.Client) -> None:
    def start(room: str, key: str = ANN) -> httpx.Response:
        body = {"userIdentity": "ann", "roomName": room}
        return limited.post("/session", json=body, headers={"X-API-Key": key})

    assert [start(room).status_code for room in ("a", "b", "a")] == [200] * 3

    refused = start("c")

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_sessions")
    assert int(refused.headers["retry-after"]) > 0
    assert start("d", BEN).status_code == 200
    limited.post("/session/end", json={"roomName": "a"}, headers={"X-API-Key": ANN})
    assert start("c").status_code == 200


def test_browsers_may_read_what_is_left(limited: httpx.Client) -> None:
    exposed = ask(limited, Origin="https://a.example").headers["access-control-expose-headers"]

    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed.split(", "))


def test_the_limit_can_be_switched_off(simulator: SimulatorProcess, tmp_path: Path) -> None:
    environ = {**simulator.environ, "DATABASE_URL": "memory://", "RATE_LIMIT_ENABLED": "off",
               "RATE_LIMIT_PER_MINUTE": "1"}  # fmt: skip
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        answers = [ask(client) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert "ratelimit" not in answers[0].headers


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_the_operator_is_warned_where_a_proxy_can_be_gone_round(
    simulator: SimulatorProcess, tmp_path: Path, host: str, *, warned: bool
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": "memory://", "TRUSTED_PROXIES": "1",
               "HOST": host}  # fmt: skip
    with running(environ, tmp_path) as service:
        pass

    assert ("limits can be bypassed" in service.output()) is warned


@pytest.mark.parametrize(("replicas", "workers"), [(2, 1), (1, 2)])
@pytest.mark.slow
def test_processes_share_the_limit(
    simulator: SimulatorProcess, postgres_url: str, tmp_path: Path, replicas: int, workers: int
) -> None:
    limit = 40
    environ = {
        **simulator.environ,
        "DATABASE_URL": postgres_url,
        "RATE_LIMIT_PER_MINUTE": str(limit),
        "WORKERS": str(workers),
    }
    with ExitStack() as stack:
        clients = [
            stack.enter_context(
                httpx.Client(base_url=stack.enter_context(running(environ, tmp_path)).url)
            )
            for _ in range(replicas)
        ]
        wait_for_enough_of_a_window()
        pool = stack.enter_context(ThreadPoolExecutor(8))
        fresh = {"Connection": "close"}  # so that the workers take turns
        answers = list(
            pool.map(
                lambda number: clients[number % len(clients)].get("/sessions", headers=fresh),
                range(2 * limit),
            )
        )

    assert [answer.status_code for answer in answers].count(200) == limit
    assert {answer.status_code for answer in answers} == {200, 429}
