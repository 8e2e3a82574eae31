"""/agents over HTTP: versions, paging, idempotency, bad input, changes at the same time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service import running
from tests.simulator import SimulatorProcess

FIELDS = {
    "agentName": "support-worker",
    "agentConfig": {"prompt": "Hello {{name}}.", "tools": ["look_up"], "engine": {"a": [1, None]}},
    "variables": {"name": "you", "city": None},
    "description": "Answers questions.",
}


@pytest.fixture
def name() -> str:
    return f"agent-{uuid.uuid4()}"


@pytest.fixture
def agent(http: httpx.Client, name: str) -> dict[str, Any]:
    return saved(http, name, **FIELDS)


def saved(http: httpx.Client, name: str, **fields: Any) -> dict[str, Any]:
    answer = http.post("/agents", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    agent: dict[str, Any] = answer.json()
    return agent


def test_a_saved_agent_is_shown_as_it_was_given(
    http: httpx.Client, agent: dict[str, Any], name: str
) -> None:
    assert {"name": name, "version": 1, "latestVersion": 1, **FIELDS}.items() <= agent.items()
    assert agent["createdAt"] == agent["updatedAt"]
    assert http.get(f"/agents/{agent['agentId']}").json() == agent
    assert agent in http.get("/agents").json()["agents"]


def test_the_least_that_makes_an_agent_is_a_name(http: httpx.Client, name: str) -> None:
    agent = saved(http, f"  {name} ")

    assert (agent["name"], agent["agentName"], agent["description"]) == (name, None, "")
    assert (agent["agentConfig"], agent["variables"]) == ({}, {})


def test_a_change_is_a_version_and_an_earlier_one_can_be_activated(
    http: httpx.Client, agent: dict[str, Any]
) -> None:
    path = f"/agents/{agent['agentId']}"

    changed = http.patch(path, json={"agentConfig": {"prompt": "Bye."}, "version": 1}).json()
    same = http.patch(path, json={"agentConfig": {"prompt": "Bye."}, "description": None}).json()
    back = http.post(f"{path}/versions/1/activate").json()
    versions = http.get(f"{path}/versions").json()

    assert (changed["version"], changed["agentConfig"]) == (2, {"prompt": "Bye."})
    assert changed["variables"] == agent["variables"]
    assert (same["version"], same["description"]) == (3, "")
    assert (back["version"], back["latestVersion"]) == (1, 3)
    assert back["agentConfig"] == agent["agentConfig"]
    assert [one["version"] for one in versions["versions"]] == [3, 2, 1]
    assert versions["nextCursor"] is None
    assert all(one["agentId"] == agent["agentId"] for one in versions["versions"])


def test_given_another_active_version_than_expected_then_the_change_is_refused(
    http: httpx.Client, agent: dict[str, Any]
) -> None:
    answer = http.patch(f"/agents/{agent['agentId']}", json={"description": "x", "version": 7})

    assert (answer.status_code, answer.json()["code"]) == (409, "agent_changed")
    assert answer.json()["field"] == "version"


def test_given_many_changes_at_once_then_each_is_a_version(
    http: httpx.Client, agent: dict[str, Any]
) -> None:
    path = f"/agents/{agent['agentId']}"
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: http.patch(path, json={"description": f"change {n}"}), range(16))
        )

    assert {answer.status_code for answer in answers} == {200}
    versions = http.get(f"{path}/versions").json()["versions"]
    assert [one["version"] for one in versions] == list(range(17, 0, -1))
    assert {one["description"] for one in versions[:-1]} == {f"change {n}" for n in range(16)}


def test_lists_are_paged(http: httpx.Client) -> None:
    made = [saved(http, f"paged-{uuid.uuid4()}")["agentId"] for _ in range(3)]
    for number in range(2):
        http.patch(f"/agents/{made[0]}", json={"description": str(number)})

    first = http.get("/agents", params={"limit": 2}).json()
    second = http.get("/agents", params={"limit": 1, "cursor": first["nextCursor"]}).json()
    path = f"/agents/{made[0]}/versions"
    newest = http.get(path, params={"limit": 1}).json()
    older = http.get(path, params={"limit": 2, "cursor": newest["nextCursor"]}).json()

    shown = [one["agentId"] for page in (first, second) for one in page["agents"]]
    assert shown == made[::-1]
    assert [one["version"] for one in newest["versions"]] == [3]
    assert [one["version"] for one in older["versions"]] == [2, 1]
    assert older["nextCursor"] is None


def test_large_agents_end_a_page_early(http: httpx.Client) -> None:
    for _ in range(18):
        saved(http, f"large-{uuid.uuid4()}", agentConfig={"prompt": "x" * 60_000})

    page = http.get("/agents", params={"limit": 18}).json()

    assert 1 < len(page["agents"]) < 18
    assert page["nextCursor"] is not None


def test_a_name_is_unique(http: httpx.Client, agent: dict[str, Any], name: str) -> None:
    other = saved(http, f"{name}-2")
    answers = [
        http.post("/agents", json={"name": name}),
        http.patch(f"/agents/{other['agentId']}", json={"name": name}),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (409, "agent_name_taken")
        assert answer.json()["field"] == "name"


def test_a_deleted_agent_is_gone(http: httpx.Client, agent: dict[str, Any], name: str) -> None:
    path = f"/agents/{agent['agentId']}"

    assert http.delete(path).status_code == 204

    for answer in (
        http.get(path),
        http.patch(path, json={}),
        http.delete(path),
        http.get(f"{path}/versions"),
        http.post(f"{path}/versions/1/activate"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert saved(http, name)["agentId"] != agent["agentId"]


def test_the_same_request_with_the_same_key_creates_one_agent(
    http: httpx.Client, name: str
) -> None:
    headers = {"Idempotency-Key": name}
    first = http.post("/agents", json={"name": name, **FIELDS}, headers=headers)
    again = http.post("/agents", json={**FIELDS, "name": name}, headers=headers)
    other = http.post("/agents", json={"name": f"{name}-2"}, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "name"),
        ({"name": None}, 400, "name"),
        ({"name": 7}, 400, "name"),
        ({"name": ""}, 400, "name"),
        ({"name": "a\u0000b"}, 400, "name"),
        ({"name": "a\nb"}, 400, "name"),
        ({"name": "a\u202eb"}, 400, "name"),
        ({"name": "x" * 129}, 400, "name"),
        ({"name": "a", "agentName": ""}, 400, "agentName"),
        ({"name": "a", "agentName": "a\u007f"}, 400, "agentName"),
        ({"name": "a", "agentConfig": []}, 400, "agentConfig"),
        ({"name": "a", "agentConfig": {"stt": 1}}, 400, "agentConfig.stt"),
        ({"name": "a", "agentConfig": {"session_id": "x"}}, 400, "agentConfig.session_id"),
        ({"name": "a", "agentConfig": {"prompt": "{{who}}"}}, 400, "agentConfig.prompt"),
        ({"name": "a", "agentConfig": {"greeting": "{{a"}}, 400, "agentConfig.greeting"),
        ({"name": "a", "agentConfig": {"prompt": "x" * 70_000}}, 413, "agentConfig"),
        ({"name": "a", "variables": []}, 400, "variables"),
        ({"name": "a", "variables": {"a b": "x"}}, 400, "variables"),
        ({"name": "a", "variables": {"a": 1}}, 400, "variables.a"),
        ({"name": "a", "variables": {"a": "{{b}}", "b": "{{a}}"}}, 400, "variables.a"),
        ({"name": "a", "description": "x" * 2049}, 400, "description"),
        ({"name": "a", "agentconfig": {}}, 400, "agentconfig"),
        ({"name": "a", "agentId": "mine"}, 400, "agentId"),
        ({"name": "a", "y" * 300: 1}, 400, "y" * 128),
    ],
    ids=lambda value: str(value)[:50],
)
def test_bad_input_names_the_field(
    http: httpx.Client, body: dict[str, Any], status: int, field: str
) -> None:
    answer = http.post("/agents", json=body)

    assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text


def test_an_overlay_of_a_megabyte_is_refused(http: httpx.Client, agent: dict[str, Any]) -> None:
    path = f"/agents/{agent['agentId']}"
    answer = http.patch(path, json={"agentConfig": {"x": "y" * 1024 * 1024}})

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("version", ["0", "2", "-1", "x", "1.0", "1_0", "999999999", "9" * 400])
def test_an_unknown_version_is_not_found(
    http: httpx.Client, agent: dict[str, Any], version: str
) -> None:
    answer = http.post(f"/agents/{agent['agentId']}/versions/{version}/activate")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("version", ["1", 1.5, True])
def test_the_expected_version_is_a_number(
    http: httpx.Client, agent: dict[str, Any], version: object
) -> None:
    answer = http.patch(f"/agents/{agent['agentId']}", json={"version": version})

    assert (answer.status_code, answer.json()["field"]) == (400, "version")


@pytest.fixture(scope="module")
def production(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A production service without an API key."""
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": "memory://",
        "APP_ENV": "production",
    }
    folder: Path = tmp_path_factory.mktemp("production")
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
        yield client


def test_in_production_agents_are_hidden_from_callers_without_a_key(
    production: httpx.Client,
) -> None:
    answers = [
        production.get("/agents"),
        production.post("/agents", json={"name": "a"}),
        production.patch(f"/agents/{uuid.uuid4()}", json={}),
        production.delete(f"/agents/{uuid.uuid4()}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert not [route for route in production.get("/").json()["routes"] if "/agents" in route]
