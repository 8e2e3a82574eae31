"""POST /session with a saved agent."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.simulator import SimulatorProcess

FIELDS = {
    "agentName": "support-worker",
    "agentConfig": {"prompt": "Help {{name}}.", "engine": {"a": 1, "b": [2]}},
    "variables": {"name": "you", "city": None},
}


@pytest.fixture
def agent(http: httpx.Client, simulator: SimulatorProcess) -> str:
    """The id of a new agent, whose worker is there."""
    simulator.register_worker("support-worker")
    answer = http.post("/agents", json={"name": f"agent-{uuid.uuid4()}", **FIELDS})
    agent_id: str = answer.raise_for_status().json()["agentId"]
    return agent_id


def start(http: httpx.Client, **body: Any) -> httpx.Response:
    return http.post("/session", json={"userIdentity": "ann", **body})


def test_the_session_has_the_agents_worker_and_configuration_and_shows_its_version(
    http: httpx.Client, simulator: SimulatorProcess, agent: str, room: str
) -> None:
    started = start(
        http,
        roomName=room,
        agentId=agent,
        variables={"city": "Berne", "name": "Ann"},
        agentConfig={"llm": "x/y", "engine": {"a": None}, "tools": ["look_up"]},
    ).json()

    assert (started["agentId"], started["agentVersion"]) == (agent, 1)
    assert (started["agentConfig"]["llm"], started["agentConfig"]["tools"]) == ("x/y", ["look_up"])
    assert simulator.dispatches(room) == []
    (dispatch,) = simulator.dispatches(room, "support-worker")
    metadata = json.loads(dispatch["metadata"])
    assert (metadata["prompt"], metadata["engine"]) == ("Help Ann.", {"b": [2]})
    session = http.get(f"/sessions/{started['sessionId']}").json()
    assert (session["agentId"], session["agentVersion"]) == (agent, 1)
    assert session["agentName"] == "support-worker"
    listed = http.get("/sessions", params={"roomName": room}).json()["sessions"]
    assert [(one["agentId"], one["agentVersion"]) for one in listed] == [(agent, 1)]


def test_a_version_may_be_named(http: httpx.Client, agent: str) -> None:
    http.patch(f"/agents/{agent}", json={"agentConfig": {"llm": "new/model"}, "variables": None})

    active = start(http, agentId=agent).json()
    first = start(http, agentId=f"{agent}@1", variables={"city": "Berne"}).json()

    assert (active["agentVersion"], active["agentConfig"]["llm"]) == (2, "new/model")
    assert active["agentConfig"]["tools"] == []
    assert (first["agentVersion"], first["agentConfig"]["llm"]) == (1, "openai/gpt-4o-mini")


def test_a_caller_that_names_no_agent_gets_the_contracts_answer(http: httpx.Client) -> None:
    started = start(http, agentId=None, variables={}).json()

    assert set(started) == {
        "userToken", "roomName", "livekitUrl", "agentDispatched", "agentConfig", "sessionId",
        "agentStatus",
    }  # fmt: skip
    assert set(started["agentConfig"]) == {"stt", "tts", "llm", "realtime"}


def test_tools_are_echoed_without_a_saved_agent_too(http: httpx.Client) -> None:
    assert start(http, agentConfig={"tools": ["a"]}).json()["agentConfig"]["tools"] == ["a"]
    refused = start(http, agentConfig={"tools": [{"name": "a"}]})
    assert (refused.status_code, refused.json()["field"]) == (400, "agentConfig.tools")


def test_joining_shows_the_running_sessions_agent(
    http: httpx.Client, agent: str, room: str
) -> None:
    first = start(http, roomName=room, agentId=agent, variables={"city": "Berne"}).json()
    http.delete(f"/agents/{agent}").raise_for_status()

    joined = start(http, roomName=room).json()

    changing = {"userToken": None, "agentStatus": None}
    assert {**joined, **changing} == {**first, **changing}


def test_the_same_request_with_the_same_key_keeps_its_version(
    http: httpx.Client, agent: str
) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"userIdentity": "ann", "agentId": agent, "variables": {"city": "Berne"}}
    first = http.post("/session", json=body, headers=headers)
    http.delete(f"/agents/{agent}").raise_for_status()
    again = http.post("/session", json=body, headers=headers)
    other = http.post("/session", json={**body, "variables": {"city": "Bonn"}}, headers=headers)

    assert again.headers["idempotency-replayed"] == "true"
    assert {**again.json(), "userToken": None} == {**first.json(), "userToken": None}
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"agentId": ""}, 400, "agentId"),
        ({"agentId": "x"}, 400, "agentId"),
        ({"agentId": 7}, 400, "agentId"),
        ({"agentId": "AGENT@0"}, 400, "agentId"),
        ({"agentId": "AGENT@1@1"}, 400, "agentId"),
        ({"agentId": "AGENT@\u0000"}, 400, "agentId"),
        ({"agentId": "AGENT@2"}, 404, "agentId"),
        ({"agentId": "01890a5d-ac96-774b-bcce-b302099a8057"}, 404, "agentId"),
        ({"agentId": "AGENT"}, 400, "variables.city"),
        ({"agentId": "AGENT", "variables": {"city": None}}, 400, "variables.city"),
        ({"agentId": "AGENT", "variables": {"city": 1}}, 400, "variables.city"),
        ({"agentId": "AGENT", "variables": {"city": "x", "b": "y"}}, 400, "variables.b"),
        ({"agentId": "AGENT", "variables": {"city": "x" * 5000}}, 400, "variables.city"),
        ({"agentId": "AGENT", "variables": []}, 400, "variables"),
        ({"variables": {"city": "x"}}, 400, "variables"),
        (
            {"agentId": "AGENT", "variables": {"city": "x"}, "agentConfig": {"prompt": "{{x}}"}},
            400,
            "agentConfig.prompt",
        ),
        (
            {"agentId": "AGENT", "variables": {"city": "x"}, "agentConfig": {"a": "b" * 70_000}},
            413,
            "agentConfig",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_bad_input_names_the_field_and_starts_nothing(
    *,
    http: httpx.Client,
    simulator: SimulatorProcess,
    agent: str,
    body: dict[str, Any],
    status: int,
    field: str,
) -> None:
    before = simulator.state()["requests"].get("CreateDispatch", 0)
    if isinstance(body.get("agentId"), str):
        body = {**body, "agentId": body["agentId"].replace("AGENT", agent)}

    answer = start(http, **body)

    assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text
    assert simulator.state()["requests"].get("CreateDispatch", 0) == before


def test_an_overlay_of_a_megabyte_is_refused(http: httpx.Client, agent: str) -> None:
    answer = start(http, agentId=agent, agentConfig={"x": "y" * 1024 * 1024})

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
