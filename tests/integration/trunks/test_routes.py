"""Trunks and dispatch rules over HTTP, with LiveKit simulated."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrypoints.http.app import CAPABILITIES
from entrypoints.http.trunks import controller
from tests.livekit_server import API_KEY, API_SECRET
from tests.service import running
from tests.simulator import SimulatorProcess

SECRET = "a-password-that-only-tests-know"
PATHS = ["/telephony/trunks", "/telephony/dispatch-rules"]


@pytest.fixture
def number() -> str:
    """A number that no other test has used."""
    return f"+1510{uuid.uuid4().int % 10**7:07}"


def made(http: httpx.Client, path: str, **body: Any) -> Any:
    answer = http.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def every(http: httpx.Client, path: str, name: str, **query: Any) -> list[Any]:
    """Every item of a list, page by page."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = http.get(path, params={**query, "cursor": cursor})
        assert page.status_code == 200, page.text
        found += page.json()[name]
        cursor = page.json()["nextCursor"]
    return found


def test_lists_have_pages(http: httpx.Client) -> None:
    for at in range(5):
        trunk = made(
            http, PATHS[0], direction="inbound", numbers=[f"+1510{uuid.uuid4().int % 10**7:07}"]
        )
        made(http, PATHS[1], trunkIds=[trunk["trunkId"]], name=f"{at}")
    for path, name, key in (
        (PATHS[0], "trunks", "trunkId"), (PATHS[1], "dispatchRules", "dispatchRuleId"),
    ):  # fmt: skip
        paged, whole = every(http, path, name, limit=2), every(http, path, name, limit=200)
        ids = [one[key] for one in paged]
        assert len(ids) >= 5
        assert paged == whole
        assert ids == sorted(set(ids))
        first = http.get(path, params={"limit": 2}).json()
        assert len(first[name]) == 2


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "201"), ("cursor", "x")])
def test_a_wrong_page_is_refused(http: httpx.Client, path: str, name: str, value: str) -> None:
    refused = http.get(path, params={name: value})

    assert (refused.status_code, refused.json()["field"]) == (400, name)


def test_the_routes_are_the_application_s() -> None:
    assert controller.routes in CAPABILITIES


def test_a_trunk_is_created_listed_and_deleted(http: httpx.Client, number: str) -> None:
    body = {"direction": "outbound", "numbers": [number], "address": "sip.provider.example",
            "transport": "tls", "authUsername": "user", "authPassword": SECRET}  # fmt: skip
    created = http.post("/telephony/trunks", json=body)
    again = http.post("/telephony/trunks", json={**body, "name": "Another name"})
    listed = http.get("/telephony/trunks", params={"direction": "outbound", "limit": 200})
    trunk = created.json()

    assert (created.status_code, again.status_code, listed.status_code) == (201, 200, 200)
    assert again.json() == trunk
    assert trunk in listed.json()["trunks"]
    assert trunk == {
        "trunkId": trunk["trunkId"], "direction": "outbound", "name": "", "numbers": [number],
        "allowedAddresses": [], "allowedNumbers": [], "address": "sip.provider.example",
        "transport": "tls", "authUsername": "user", "hasPassword": True,
    }  # fmt: skip
    assert SECRET not in created.text + again.text + listed.text
    inbound = http.get("/telephony/trunks", params={"direction": "inbound", "limit": 200})
    assert trunk not in inbound.json()["trunks"]
    path = f"/telephony/trunks/{trunk['trunkId']}"
    assert http.delete(path).status_code == 204
    gone = http.delete(path)
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert trunk not in every(http, "/telephony/trunks", "trunks")


def test_a_dispatch_rule_is_created_listed_and_deleted(http: httpx.Client, number: str) -> None:
    trunk = made(http, "/telephony/trunks", direction="inbound", numbers=[number])
    body = {"trunkIds": [trunk["trunkId"]], "name": "Calls", "pin": "471147114711"}
    created = http.post("/telephony/dispatch-rules", json=body)
    again = http.post("/telephony/dispatch-rules", json=body)
    rule = created.json()
    listed = http.get("/telephony/dispatch-rules", params={"limit": 200})

    assert (created.status_code, again.status_code) == (201, 200)
    assert rule == again.json() == {
        "dispatchRuleId": rule["dispatchRuleId"], "name": "Calls", "kind": "individual",
        "roomName": None, "roomPrefix": "call-", "hasPin": True,
        "trunkIds": [trunk["trunkId"]], "numbers": [], "callerNumbers": [], "agentNames": [],
    }  # fmt: skip
    assert rule in listed.json()["dispatchRules"]
    assert "471147114711" not in created.text + listed.text
    path = f"/telephony/dispatch-rules/{rule['dispatchRuleId']}"
    assert http.delete(path).status_code == 204
    assert http.delete(path).status_code == 404


def test_a_conflict_names_what_is_in_the_way(http: httpx.Client, number: str) -> None:
    trunk = made(http, "/telephony/trunks", direction="inbound", numbers=[number])
    other = {"direction": "inbound", "numbers": [number], "allowedAddresses": ["192.0.2.1"]}
    answer = http.post("/telephony/trunks", json=other)

    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
    assert answer.json()["trunkId"] == trunk["trunkId"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("trunks", {}, "direction"),
        ("trunks", {"direction": "inbound"}, "numbers"),
        ("trunks", {"direction": "sideways", "numbers": ["+15105550100"]}, "direction"),
        ("trunks", {"direction": "", "numbers": ["+15105550100"]}, "direction"),
        ("trunks", {"direction": 7, "numbers": ["+15105550100"]}, "direction"),
        ("trunks", {"direction": "inbound", "numbers": "+15105550100"}, "numbers"),
        ("trunks", {"direction": "inbound", "numbers": ["5105550100"]}, "numbers"),
        ("trunks", {"direction": "outbound", "numbers": ["+15105550100"]}, "address"),
        ("trunks", {"direction": "inbound", "numbers": ["+15105550100"], "authPassword": SECRET},
         "authUsername"),
        ("trunks", {"direction": "inbound", "numbers": ["+15105550100"], "transport": "smoke"},
         "transport"),
        ("dispatch-rules", {"roomName": "a", "roomPrefix": "b"}, "roomName"),
        ("dispatch-rules", {"pin": "secret"}, "pin"),
        ("dispatch-rules", {"numbers": ["*"]}, "numbers"),
        ("dispatch-rules", {"trunkIds": "ST_1"}, "trunkIds"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_and_never_a_secret(
    http: httpx.Client, path: str, body: dict[str, Any], field: str
) -> None:
    answer = http.post(f"/telephony/{path}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert answer.json()["field"] == field
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "unknown", ["ST_unknown", "SDR_unknown", "%00", "x" * 2000, "%2e%2e", "a%20b", "%F0%9F%99%82"]
)
def test_an_unknown_id_is_not_found(http: httpx.Client, path: str, unknown: str) -> None:
    assert http.delete(f"{path}/{unknown}").status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_a_livekit_that_is_down_is_said_to_be(
    http: httpx.Client, simulator: SimulatorProcess, path: str
) -> None:
    method = "ListSIPInboundTrunk" if path.endswith("trunks") else "ListSIPDispatchRule"
    simulator.fault(method, "error", status=503)

    answer = http.get(path)

    assert (answer.status_code, answer.json()["code"]) == (502, "livekit_unavailable")


@pytest.fixture
def guarded(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[httpx.Client]:
    """A service with two keys, that reads no password into its log."""
    environ = {
        **simulator.environ,
        "DATABASE_URL": "memory://",
        "API_KEYS": f"ann={'a' * 20},{'b' * 20}",
        "LOG_LEVEL": "debug",
    }
    with (
        running(environ, tmp_path) as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):
        yield client
        assert SECRET not in service.output()


def test_a_tenant_s_key_may_not(guarded: httpx.Client, number: str) -> None:
    body = {"direction": "inbound", "numbers": [number], "authUsername": "user",
            "authPassword": SECRET}  # fmt: skip
    for key in ("a" * 20, "wrong-key-wrong-key"):
        headers = {"X-API-Key": key}
        answers = [
            guarded.get("/telephony/trunks", headers=headers),
            guarded.post("/telephony/trunks", json=body, headers=headers),
            guarded.delete("/telephony/trunks/ST_1", headers=headers),
            guarded.get("/telephony/dispatch-rules", headers=headers),
            guarded.post("/telephony/dispatch-rules", json={}, headers=headers),
            guarded.delete("/telephony/dispatch-rules/SDR_1", headers=headers),
        ]
        assert {answer.status_code for answer in answers} == ({403} if key[0] == "a" else {401})


def test_the_simulator_s_credentials_are_the_tests_own() -> None:
    assert (API_KEY, len(API_SECRET) >= 32) == ("devkey", True)
