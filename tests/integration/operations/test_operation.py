"""What an operator and a browser meet: health, CORS, request ids, documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrypoints.version import VERSION
from tests.service import running
from tests.simulator import SimulatorProcess


def test_health_asks_nobody(http: httpx.Client, simulator: SimulatorProcess) -> None:
    before = simulator.state()["requests"]

    answer = http.get("/health")

    assert answer.status_code == 200
    health = answer.json()
    assert (health["status"], health["version"]) == ("ok", VERSION)
    assert health["uptimeSeconds"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", health["timestamp"])
    assert simulator.state()["requests"] == before


def test_the_root_names_the_service_and_every_route(http: httpx.Client) -> None:
    root = http.get("/").json()

    assert (root["service"], root["version"]) == ("backend-livekit", VERSION)
    documented = http.get("/docs/openapi.json").json()["paths"]
    assert set(root["routes"]) == {
        f"{method.upper()} {path}"
        for path, methods in documented.items()
        for method in methods
        if not path.startswith("/docs")
    }
    assert {"POST /session", "GET /telephony/calls/{callId}"} <= set(root["routes"])
    assert all(root["routes"].values())


@pytest.mark.parametrize("path", ["/", "/health", "/health/ready"])
def test_head_is_answered_like_get(http: httpx.Client, path: str) -> None:
    answer = http.head(path)

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", ["/health", "/nope", "/sessions/nope"])
def test_a_request_keeps_the_callers_id_and_gets_one_otherwise(
    http: httpx.Client, path: str
) -> None:
    given = http.get(path, headers={"X-Request-Id": "call-17/a"})
    made = [http.get(path).headers["x-request-id"] for _ in range(2)]
    unusable = http.get(path, headers={"X-Request-Id": "a\tb" * 100})

    assert given.headers["x-request-id"] == "call-17/a"
    assert made[0] != made[1]
    assert "\t" not in unusable.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/health", "/nope", "/session"])
def test_cors_applies_to_answers_and_errors(http: httpx.Client, path: str) -> None:
    answer = http.get(path, headers={"Origin": "https://app.example.com"})

    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_browser_may_post_json(http: httpx.Client) -> None:
    answer = http.options(
        "/session",
        headers={
            "Origin": "https://app.example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()


def test_the_documentation_loads_from_this_service_alone(http: httpx.Client) -> None:
    page = http.get("/docs")

    assert page.status_code == 200
    loaded = re.findall(r"(?:src|href)=[\"']([^\"']+)", page.text)
    assert len(loaded) == 4
    kinds = {"css": "text/css", "js": "text/javascript", "png": "image/png"}
    for path in loaded:
        asset = http.get(path)
        assert path.startswith("/docs/assets/")
        assert asset.status_code == 200
        # A browser takes a style sheet of no other type.
        assert asset.headers["content-type"].startswith(kinds[path.rpartition(".")[2]])
    assert not re.search(r"https?://", re.sub(r"spec: \{.*", "", page.text))


def test_no_other_file_of_the_documentations_package_is_served(http: httpx.Client) -> None:
    assert http.get("/docs/assets/swagger-editor-bundle.js").status_code == 404
    assert http.get("/docs/assets/..%2f__init__.py").status_code == 404


def test_the_openapi_document_describes_every_route_with_its_errors(http: httpx.Client) -> None:
    document = http.get("/docs/openapi.json").json()

    assert document["info"]["version"] == VERSION
    start = document["paths"]["/session"]["post"]
    assert {"200", "400", "409", "413", "415", "502", "503"} <= set(start["responses"])
    [content] = start["requestBody"]["content"].values()
    assert "userIdentity" in str(content)
    [answer] = start["responses"]["200"]["content"].values()
    assert "userToken" in str(answer["examples"])
    assert not any("head" in path for path in document["paths"].values())
    assert {"/session", "/session/end", "/health", "/health/ready", "/"} <= set(document["paths"])


PAGE = ("since", "until", "cursor", "limit")
CALL = (
    "callId", "sessionId", "roomName", "roomSid", "direction", "directionIs", "from", "to",
    "trunkId", "dispatchRuleId", "sipCallId", "sipCallIdFull", "sipStatusCode", "carrierCallId",
    "participantIdentity", "status", "agentDispatched", "createdAt", "answeredAt", "answeredAtIs",
    "endedAt", "durationSeconds", "durationIs", "disconnectReason", "timeline",
)  # fmt: skip


@pytest.mark.parametrize(
    ("route", "parameters", "fields", "failures"),
    [
        (
            "get /telephony/calls",
            ("status", "direction", "from", "to", "roomName", "q", *PAGE),
            ("calls", "nextCursor"),
            {"400", "503"},
        ),
        ("get /telephony/calls/{callId}", ("callId",), CALL, {"404", "503"}),
        ("get /telephony/calls/by-room/{roomName}", ("roomName",), CALL, {"404", "503"}),
        (
            "get /sessions",
            ("status", "userIdentity", "roomName", "q", *PAGE),
            ("sessions", "nextCursor"),
            {"400", "503"},
        ),
        (
            "post /telephony/livekit-webhook",
            (),
            ("ok",),
            {"400", "401", "413", "415", "503"},
        ),
    ],
)
def test_the_openapi_document_describes_telephony_and_lists(
    http: httpx.Client,
    route: str,
    parameters: tuple[str, ...],
    fields: tuple[str, ...],
    failures: set[str],
) -> None:
    document = http.get("/docs/openapi.json").json()
    method, path = route.split(" ")

    operation = document["paths"][path][method]

    assert [one["name"] for one in operation.get("parameters", ())] == list(parameters)
    assert failures <= set(operation["responses"])
    assert set(properties(document, operation["responses"]["200"])) == set(fields)
    call = document["components"]["schemas"]["CallResponse"]
    assert list(call["properties"]) == list(CALL)


def test_the_openapi_document_gives_every_error_its_form(http: httpx.Client) -> None:
    document = http.get("/docs/openapi.json").json()

    described = {
        f"{method} {path} {status}": set(properties(document, answer))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for status, answer in operation["responses"].items()
        if status >= "400" and path != "/health/ready"
    }
    assert len(described) > 20
    form = {"error", "code", "requestId", "field", "example"}
    form |= {"limitBytes", "scope", "agentDispatched"}
    assert {key: found for key, found in described.items() if found != form} == {}


def properties(document: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The fields that an answer's schema has."""
    [content] = answer["content"].values()
    reference = content["schema"].get("$ref", "")
    schemas: dict[str, Any] = document["components"]["schemas"]
    schema = schemas[reference.rpartition("/")[2]] if reference else content["schema"]
    return dict(schema["properties"])


@pytest.fixture
def production(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[httpx.Client]:
    environ = {
        **simulator.environ,
        "DATABASE_URL": "memory://",
        "APP_ENV": "production",
        "CORS_ALLOW_ORIGINS": "https://app.example.com,https://b.example.com",
        "AGENT_NAME": "another",
    }
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        yield client


def test_production_hides_sessions_and_lets_only_its_origins_in(
    production: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    started = production.post("/session", json={"userIdentity": "ann", "roomName": room})
    by_id = production.get(f"/sessions/{started.json()['sessionId']}")
    ours = production.get("/health", headers={"Origin": "https://app.example.com"})
    theirs = production.get("/health", headers={"Origin": "https://evil.example.com"})

    assert len(simulator.dispatches(room, agent_name="another")) == 1
    assert (by_id.status_code, by_id.json()["code"]) == (404, "not_found")
    assert production.get(f"/sessions/by-room/{room}").status_code == 404
    assert "/sessions" not in production.get("/").text
    assert ours.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-origin" not in theirs.headers
