"""Browsers: which pages may use the service, and what their preflights and errors are answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.http.webhooks import PATH
from tests.service import refusal, running
from tests.simulator import SimulatorProcess

KEY, LIMIT = "k" * 20, 100
LISTED = "https://app.example.com, capacitor://localhost, https://*.vercel.app, http://localhost:*"
OURS = [
    "https://app.example.com",
    "capacitor://localhost",
    "https://preview-7.vercel.app",
    "http://localhost:3000",
]
THEIRS = ["https://evil.example", "https://app.example.com.evil.io", "null", "https://vercel.app"]


@pytest.fixture(scope="module")
def listed(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": "memory://",
        "CORS_ALLOW_ORIGINS": LISTED,
        "API_KEYS": KEY,
        "RATE_LIMIT_PER_MINUTE": str(LIMIT),
    }
    with (
        running(environ, tmp_path_factory.mktemp("cors")) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        yield client


def preflight(client: httpx.Client, origin: str, headers: str = "content-type") -> httpx.Response:
    return client.options(
        "/session",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": headers,
        },
    )


def varies(answer: httpx.Response) -> set[str]:
    return {name.strip() for name in answer.headers.get("vary", "").split(",")}


@pytest.mark.parametrize("origin", OURS)
def test_a_listed_page_may_ask_and_read(listed: httpx.Client, origin: str) -> None:
    asked = preflight(listed, origin, "authorization,content-type,idempotency-key,x-vercel-id")
    read = listed.get("/health", headers={"Origin": origin})

    assert asked.status_code == 204
    assert not asked.content
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert "x-vercel-id" in asked.headers["access-control-allow-headers"]
    assert "X-Request-Id" in read.headers["access-control-expose-headers"]
    for answer in (asked, read):
        assert answer.headers["access-control-allow-origin"] == origin
        assert "Origin" in varies(answer)
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", THEIRS)
def test_another_page_may_not_and_is_told(listed: httpx.Client, origin: str) -> None:
    asked = preflight(listed, origin)
    read = listed.get("/health", headers={"Origin": origin})

    assert (asked.status_code, asked.json()["code"]) == (400, "origin_not_allowed")
    assert asked.json()["requestId"] == asked.headers["x-request-id"]
    for answer in (asked, read):
        assert "access-control-allow-origin" not in answer.headers
        assert "Origin" in varies(answer)


def test_what_is_read_without_an_origin_is_kept_apart_in_caches(listed: httpx.Client) -> None:
    assert "Origin" in varies(listed.get("/health"))


ERRORS: dict[int, dict[str, Any]] = {
    400: {"method": "POST", "url": "/session", "json": {}},
    401: {"method": "POST", "url": PATH, "json": {}},
    404: {"method": "GET", "url": "/nope"},
    405: {"method": "GET", "url": "/session"},
    # One that is read whole: a client that still sends may not see an early answer.
    413: {
        "method": "POST",
        "url": "/session",
        "json": {"userIdentity": "u", "agentConfig": {"prompt": "x" * 65536}},
    },
    415: {"method": "POST", "url": "/session", "content": b"{}"},
    429: {"method": "GET", "url": "/sessions"},
}


@pytest.mark.parametrize("status", ERRORS)
def test_a_page_can_read_every_error(listed: httpx.Client, status: int) -> None:
    headers = {"Origin": OURS[0], "X-API-Key": KEY}

    for _ in range(LIMIT + 1 if status == 429 else 1):
        answer = listed.request(**ERRORS[status], headers=headers)

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == OURS[0]
    assert "Origin" in varies(answer)
    assert preflight(listed, OURS[0]).status_code == 204


def test_given_every_origin_then_none_is_named(http: httpx.Client) -> None:
    for origin in (*OURS, *THEIRS):
        answers = preflight(http, origin), http.get("/nope", headers={"Origin": origin})
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("origins", ["app.example.com", "https://a;https://b", "https://(x"])
def test_a_wrong_origin_stops_the_start_with_a_sentence(
    simulator_process: SimulatorProcess, tmp_path: Path, origins: str
) -> None:
    code, output = refusal({**simulator_process.environ, "CORS_ALLOW_ORIGINS": origins}, tmp_path)

    assert code == 2
    assert "CORS_ALLOW_ORIGINS must be * or a comma-separated list of origins" in output
    assert f"'{origins}'" in output
    assert "Traceback" not in output
