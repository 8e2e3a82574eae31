"""Publishable keys over HTTP: they open the token endpoint for their pages, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.integration.access.two_tenants import (
    ANN,
    BEN,
    GUARDED,
    agent_keys,
    as_,
    save_agent,
    tenants_environ,
)
from tests.integration.http.routes import Route
from tests.service import Service, running
from tests.simulator import SimulatorProcess

PAGE = "https://app.example.com"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def environ(simulator_process: SimulatorProcess, folder: Path) -> dict[str, str]:
    return tenants_environ(simulator_process, folder)


@pytest.fixture(scope="module")
def owners(environ: dict[str, str], folder: Path) -> dict[str, str]:
    """Keys of Ann and Ben that save agents."""
    return agent_keys(environ, folder, "ann", "ben")


@pytest.fixture(scope="module")
def service(environ: dict[str, str], folder: Path, owners: dict[str, str]) -> Iterator[Service]:
    assert owners
    with running(environ, folder) as service:
        yield service


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30) as client:
        yield client


def made(http: httpx.Client, key: str = ANN, **body: Any) -> dict[str, Any]:
    answer = http.post(
        "/publishable-keys", json={"allowedOrigins": [PAGE], **body}, headers=as_(key)
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def fetch(http: httpx.Client, key: str, origin: str = PAGE, **body: Any) -> httpx.Response:
    return http.post("/livekit/token", json=body, headers=as_(key, Origin=origin))


def test_a_page_fetches_a_token_for_the_keys_agent_and_tenant(http: httpx.Client) -> None:
    key = made(http, agentName="receptionist")
    answer = fetch(http, key["key"])

    assert answer.status_code == 201
    token = answer.json()["participant_token"]
    room = jwt.decode(token, options={"verify_signature": False})["video"]["room"]
    session = http.get(f"/sessions/by-room/{room}", headers=as_(ANN)).json()
    assert (session["agentName"], session["status"]) == ("receptionist", "created")
    assert http.get(f"/sessions/by-room/{room}", headers=as_(BEN)).status_code == 404


@pytest.mark.parametrize(
    ("origin", "body", "status", "code"),
    [
        ("https://evil.test", {}, 403, "origin_not_allowed"),
        ("", {}, 403, "origin_not_allowed"),
        ("null", {}, 403, "origin_not_allowed"),
        (PAGE, {"room_name": "known"}, 400, "validation_failed"),
        (
            PAGE,
            {"room_config": {"agents": [{"agent_name": "receptionist"}]}},
            400,
            "validation_failed",
        ),
        (PAGE, {"room_config": {"egress": {"room": {"x": 1}}}}, 400, "validation_failed"),
        (PAGE, {"participant_attributes": {"role": "admin"}}, 400, "validation_failed"),
    ],
)
def test_misuse_is_refused(
    http: httpx.Client, origin: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = fetch(http, made(http)["key"], origin, **body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_no_other_route_takes_it(http: httpx.Client, subtests: pytest.Subtests) -> None:
    key = made(http)["key"]
    for route in GUARDED:
        if route.name != ("POST", "/livekit/token"):
            with subtests.test(" ".join(route.name)):
                is_refused(http, route, key)


def is_refused(http: httpx.Client, route: Route, key: str) -> None:
    path = route.of_nothing()
    # Pages of other origins get no further than that on administrative routes.
    for_a_page = {"insufficient_scope"}
    if route.handler.opt.get("administrative"):
        for_a_page = {"origin_not_allowed"}
    for headers, codes in (
        (as_(key), {"insufficient_scope"}),
        (as_(key, Origin=PAGE), for_a_page),
        ({"X-API-Key": key, "Origin": PAGE}, for_a_page),
    ):
        answer = http.request(route.method, path, headers=headers, json={})
        assert answer.status_code == 403
        if route.method != "HEAD":
            assert answer.json()["code"] in codes


def session_of(http: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    token = answer.json()["participant_token"]
    room = jwt.decode(token, options={"verify_signature": False})["video"]["room"]
    found: dict[str, Any] = http.get(f"/sessions/by-room/{room}", headers=as_(ANN)).json()
    return found


def test_given_a_key_for_a_saved_agent_then_sessions_begin_with_its_active_version(
    http: httpx.Client, owners: dict[str, str]
) -> None:
    agent_id = save_agent(
        http,
        owners["ann"],
        agentName="support-worker",
        agentConfig={"prompt": "Help {{name}}."},
        variables={"name": "you"},
    )
    key, first_only = made(http, agentId=agent_id), made(http, agentId=f"{agent_id}@1")
    assert (key["agentId"], "agentName" in key) == (agent_id, False)
    before = session_of(http, fetch(http, key["key"]))
    changed = {"agentConfig": {"prompt": "Hum."}}
    assert http.patch(f"/agents/{agent_id}", json=changed, headers=as_(owners["ann"])).is_success

    after = session_of(http, fetch(http, key["key"]))
    pinned = session_of(http, fetch(http, first_only["key"]))
    kept = http.get(f"/sessions/{before['sessionId']}", headers=as_(ANN)).json()

    shown = [(each["agentId"], each["agentVersion"]) for each in (before, after, pinned, kept)]
    assert shown == [(agent_id, 1), (agent_id, 2), (agent_id, 1), (agent_id, 1)]
    assert {each["agentName"] for each in (before, after)} == {"support-worker"}
    prompts = [each["agentConfig"]["prompt"] for each in (before, after, pinned)]
    assert prompts == ["Help you.", "Hum.", "Help you."]
    for name in ("shreya-obnox", "receptionist"):
        refused = fetch(http, key["key"], room_config={"agents": [{"agent_name": name}]})
        assert (refused.status_code, refused.json()["code"]) == (400, "validation_failed")


def test_given_an_agent_that_no_browser_could_use_then_no_key_is_made(
    http: httpx.Client, owners: dict[str, str]
) -> None:
    required = save_agent(http, owners["ann"], name="required", variables={"name": None})
    foreign = save_agent(http, owners["ben"])
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
    own = save_agent(http, owners["ann"], name="own")
    for agent_id, status, field in (
        (required, 400, "variables.name"),
        (foreign, 404, "agentId"),
        (f"{foreign}@1", 404, "agentId"),
        (unknown, 404, "agentId"),
        (f"{own}@2", 404, "agentId"),
        ("support", 400, "agentId"),
    ):
        body = {"allowedOrigins": [PAGE], "agentId": agent_id}
        answer = http.post("/publishable-keys", json=body, headers=as_(ANN))
        assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_given_the_agent_changes_then_a_fetch_says_what_is_missing(
    http: httpx.Client, owners: dict[str, str]
) -> None:
    agent_id = save_agent(http, owners["ann"], name="changing")
    key = made(http, agentId=agent_id)["key"]
    changed = {"variables": {"name": None}}
    assert http.patch(f"/agents/{agent_id}", json=changed, headers=as_(owners["ann"])).is_success
    answer = fetch(http, key)
    assert (answer.status_code, answer.json()["field"]) == (400, "variables.name")

    assert http.delete(f"/agents/{agent_id}", headers=as_(owners["ann"])).is_success
    answer = fetch(http, key)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_key_has_its_own_limit(http: httpx.Client) -> None:
    key = made(http, requestsPerMinute=2)["key"]
    answers = [fetch(http, key) for _ in range(5)]
    statuses = [answer.status_code for answer in answers]

    assert statuses[:1] == [201]
    assert statuses.count(429) >= 1  # a minute may have ended meanwhile
    assert fetch(http, made(http)["key"]).status_code == 201
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert int(limited.headers["Retry-After"]) >= 1


def test_keys_are_listed_without_their_text_and_deleted(http: httpx.Client) -> None:
    key = made(http)
    listed = http.get("/publishable-keys", headers=as_(ANN))
    assert key["id"] in {each["id"] for each in listed.json()["publishableKeys"]}
    assert key["key"] not in listed.text
    assert key["id"] not in http.get("/publishable-keys", headers=as_(BEN)).text

    path = f"/publishable-keys/{key['id']}"
    assert http.delete(path, headers=as_(BEN)).status_code == 404
    assert http.delete(path, headers=as_(ANN)).status_code == 204
    assert http.delete(path, headers=as_(ANN)).status_code == 404
    assert fetch(http, key["key"]).status_code == 401


def test_an_unknown_key_is_refused(http: httpx.Client) -> None:
    for text in ("pk_", f"pk_{'a' * 12}_{'A' * 43}", made(http)["key"][:-1] + "-"):
        answer = fetch(http, text)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "allowedOrigins"),
        ({"allowedOrigins": []}, "allowedOrigins"),
        ({"allowedOrigins": PAGE}, "allowedOrigins"),
        ({"allowedOrigins": ["app.example.com"]}, "allowedOrigins"),
        ({"allowedOrigins": [PAGE], "agentName": "other"}, "agentName"),
        ({"allowedOrigins": [PAGE], "requestsPerMinute": 6001}, "requestsPerMinute"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(
    http: httpx.Client, body: dict[str, Any], field: str
) -> None:
    answer = http.post("/publishable-keys", json=body, headers=as_(ANN))

    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_given_there_is_no_api_key_then_a_publishable_key_is_checked_all_the_same(
    simulator_process: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {**simulator_process.environ, "DATABASE_URL": "memory://"}
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as http:
        assert http.post("/livekit/token", json={}).status_code == 201
        assert fetch(http, f"pk_{'a' * 12}_{'A' * 43}").status_code == 401
        key = http.post("/publishable-keys", json={"allowedOrigins": [PAGE]}).json()
        assert fetch(http, key["key"]).status_code == 201
        assert fetch(http, key["key"], "https://evil.test").status_code == 403
