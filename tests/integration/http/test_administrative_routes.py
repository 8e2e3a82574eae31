"""Routes that configure the deployment cannot be used from pages of other origins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.service import running
from tests.simulator import SimulatorProcess

ID: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
PAGE: Final = {"Origin": "https://evil.example"}
NAMED: Final = "https://console.example.com"
ROUTES: Final[list[tuple[str, str, dict[str, Any] | None]]] = [
    ("GET", "/telephony/trunks", None),
    ("POST", "/telephony/trunks", {"direction": "inbound", "numbers": ["+15105550123"]}),
    ("DELETE", "/telephony/trunks/ST_1", None),
    ("GET", "/telephony/dispatch-rules", None),
    ("POST", "/telephony/dispatch-rules", {"roomPrefix": "call-"}),
    ("DELETE", "/telephony/dispatch-rules/SDR_1", None),
    ("POST", "/telephony/simulated-calls", {}),
    ("GET", "/agents", None),
    ("POST", "/agents", {"name": "by a page"}),
    ("GET", f"/agents/{ID}", None),
    ("PATCH", f"/agents/{ID}", {"name": "by a page"}),
    ("DELETE", f"/agents/{ID}", None),
    ("GET", f"/agents/{ID}/versions", None),
    ("POST", f"/agents/{ID}/versions/1/activate", None),
    ("GET", "/phone-numbers", None),
    ("POST", "/phone-numbers", {"number": "+15105550123", "agentId": ID}),
    ("PATCH", "/phone-numbers/+15105550123", {"agentId": ID}),
    ("DELETE", "/phone-numbers/+15105550123", None),
    ("GET", "/webhooks", None),
    ("POST", "/webhooks", {"url": "https://evil.example", "events": ["*"]}),
    ("GET", f"/webhooks/{ID}", None),
    ("PATCH", f"/webhooks/{ID}", {"url": "https://evil.example"}),
    ("DELETE", f"/webhooks/{ID}", None),
    ("POST", f"/webhooks/{ID}/rotate-secret", None),
    ("POST", f"/webhooks/{ID}/test", None),
    ("GET", f"/webhooks/{ID}/deliveries", None),
    ("GET", f"/deliveries?sessionId={ID}", None),
    ("POST", f"/deliveries/{ID}/redeliver", None),
    ("GET", "/inbox", None),
    ("GET", "/inbox/EV_7SGcfDCBvSHo", None),
    ("POST", "/inbox/EV_7SGcfDCBvSHo/replay", None),
    ("GET", "/publishable-keys", None),
    ("POST", "/publishable-keys", {"allowedOrigins": ["https://evil.example"]}),
    ("DELETE", f"/publishable-keys/{ID}", None),
    ("GET", "/api-keys", None),
    ("POST", "/api-keys", {"name": "by a page"}),
    ("DELETE", "/api-keys/blk_aaaaaaaaaaaa", None),
    ("GET", "/console/session", None),
    ("POST", "/console/session", None),
    ("DELETE", "/console/session", None),
]
FOR_PAGES: Final = {
    "POST /session", "POST /session/end", "POST /session/token", "POST /livekit/token",
    "POST /livekit/tickets", "POST /telephony/livekit-webhook",
    "POST /sessions/{sessionId}/recording/link", "POST /sessions/{sessionId}/recording/start",
    "POST /sessions/{sessionId}/recording/stop", "POST /sessions/{sessionId}/report",
}  # fmt: skip
"""Routes that change something and that the frontends of users, or LiveKit, may call."""


def preflight(client: httpx.Client, method: str, path: str, origin: str) -> httpx.Response:
    return client.options(path, headers={"Origin": origin, "Access-Control-Request-Method": method})


def cors_of(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


@pytest.fixture(scope="module")
def named(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A service without keys that names one origin and lets every other page use the rest."""
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": "memory://",
        "CORS_ALLOW_ORIGINS": f"*, {NAMED}",
    }
    folder = tmp_path_factory.mktemp("named")
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
        yield client


@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=str)
def test_a_page_of_another_origin_is_refused_before_anything_is_done(
    http: httpx.Client, method: str, path: str, body: dict[str, Any] | None
) -> None:
    asked = preflight(http, method, path, PAGE["Origin"])
    sent = http.request(method, path, json=body, headers=PAGE)

    assert (asked.status_code, asked.json()["code"]) == (400, "origin_not_allowed")
    assert (sent.status_code, sent.json()["code"]) == (403, "origin_not_allowed")
    assert "CORS_ALLOW_ORIGINS" in sent.json()["error"]
    assert sent.json()["requestId"] == sent.headers["x-request-id"]
    for answer in (asked, sent):
        assert cors_of(answer) == []
        assert "Origin" in answer.headers["vary"]


def test_the_list_above_has_every_route_that_changes_something(http: httpx.Client) -> None:
    names = set(http.get("/").json()["routes"])
    listed = {name for name in names if not name.startswith("GET ")}
    refused = {
        name
        for name in listed
        for method, template in [name.split(" ")]
        for known, path, _ in ROUTES
        if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    }

    assert listed - refused == FOR_PAGES, "is it for pages, or administrative?"


@pytest.mark.parametrize("path", ["//agents", "/agents/", "/telephony//trunks", "/%61gents"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_no_spelling_of_the_path_is_open(http: httpx.Client, path: str, origin: str) -> None:
    url = f"{str(http.base_url).rstrip('/')}{path}"

    answer = http.get(url, headers={"Origin": origin})

    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert cors_of(answer) == []


def test_a_page_of_this_service_and_a_server_may_use_them(http: httpx.Client) -> None:
    own = str(http.base_url).rstrip("/")
    https = own.replace("http://", "https://")  # a proxy before the service has the certificate
    for headers in ({}, {"Origin": own}, {"Origin": https}):
        answer = http.get("/agents", headers=headers)
        assert answer.status_code == 200, answer.text
        assert cors_of(answer) == []


def test_given_a_proxy_that_changes_the_host_then_the_browser_says_that_it_is_the_same_origin(
    http: httpx.Client,
) -> None:
    headers = {"Origin": "https://api.example.com", "Sec-Fetch-Site": "same-origin"}
    assert http.get("/agents", headers=headers).status_code == 200
    headers["Sec-Fetch-Site"] = "same-site"
    assert http.get("/agents", headers=headers).status_code == 403


def test_an_origin_that_is_named_may_use_them_and_every_page_the_others(
    named: httpx.Client,
) -> None:
    asked = preflight(named, "POST", "/agents", NAMED)
    read = named.get("/agents", headers={"Origin": NAMED})
    refused = named.get("/agents", headers=PAGE)

    assert (asked.status_code, read.status_code, refused.status_code) == (204, 200, 403)
    assert "access-control-allow-origin" in asked.headers
    assert "access-control-allow-origin" in read.headers
    assert preflight(named, "POST", "/session", PAGE["Origin"]).status_code == 204
    assert named.get("/sessions", headers=PAGE).headers["access-control-allow-origin"] == "*"


def test_a_refused_request_with_a_body_does_not_confuse_the_next_one(http: httpx.Client) -> None:
    for _ in range(3):
        sent = http.post("/agents", json={"name": "x" * 5_000}, headers=PAGE)
        assert sent.status_code == 403
        assert http.get("/health").status_code == 200
