"""A worker of another service, which reads keys that this one does not know, is served."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, Final

import httpx
import pytest
import yaml

from tests.service import PROJECT
from tests.simulator import SimulatorProcess

DOCUMENT: Final = (PROJECT / "docs" / "agents.md").read_text(encoding="utf-8")
WRONG_TOOLS: Final[list[Any]] = [
    "a",
    1,
    True,
    {},
    {"a": "b"},
    [1],
    [None],
    [["a"]],
    [{"name": "a"}],
]


def documented(name: str) -> dict[str, Any]:
    """The agent of this name in a YAML block of docs/agents.md."""
    for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL):
        for agent in yaml.safe_load_all(block):
            if agent["name"] == name:
                return dict(agent)
    raise AssertionError(f"docs/agents.md has no agent {name}.")


def save(http: httpx.Client, **fields: Any) -> str:
    answer = http.post("/agents", json={**fields, "name": f"agent-{uuid.uuid4()}"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["agentId"])


def start(http: httpx.Client, room: str, **body: Any) -> Any:
    answer = http.post("/session", json={"userIdentity": "ann", "roomName": room, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_documented_agent_reaches_its_worker_as_it_was_written(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    agent = documented("appointments")
    simulator.register_worker(agent["agentName"])
    started = start(http, room, agentId=save(http, **agent))

    (dispatch,) = simulator.dispatches(room, agent["agentName"])
    metadata = json.loads(dispatch["metadata"])
    own = ("engine", "conversation_start", "dynamic_variables", "tools")
    assert {key: metadata[key] for key in own} == {key: agent["agentConfig"][key] for key in own}
    assert metadata["prompt"] == "You make appointments for our practice."
    assert metadata["session_id"] == started["sessionId"]
    assert started["agentConfig"]["tools"] == ["find_slot", "book_slot"]


def test_what_the_worker_inserts_itself_is_left_as_it_is(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    config = {
        "prompt": "You help {{who}}.",
        "dynamic_variables": {"patient": "{{patient}}", "who": "{{who}}", "n": 1.5, "none": None},
        "conversation_start": {"speaker": "agent", "text": "{{greeting}}"},
    }
    simulator.register_worker("other-worker")
    agent = save(http, agentName="other-worker", agentConfig=config, variables={"who": "Ann"})
    overlay = {"dynamic_variables": {"none": 0, "n": None, "room": "7"}}
    start(http, room, agentId=agent, agentConfig=overlay)

    (dispatch,) = simulator.dispatches(room, "other-worker")
    metadata = json.loads(dispatch["metadata"])
    assert metadata["prompt"] == "You help Ann."
    assert metadata["conversation_start"] == config["conversation_start"]
    assert metadata["dynamic_variables"] == {
        "patient": "{{patient}}", "who": "{{who}}", "none": 0, "room": "7",
    }  # fmt: skip


def test_tools_are_an_empty_list_by_default_and_are_echoed(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    started = start(http, room, agentId=save(http, agentConfig={"engine": "x"}))

    (dispatch,) = simulator.dispatches(room)
    assert json.loads(dispatch["metadata"])["tools"] == []
    assert started["agentConfig"]["tools"] == []


@pytest.mark.parametrize("tools", WRONG_TOOLS, ids=str)
def test_tools_are_a_list_of_strings(http: httpx.Client, tools: object) -> None:
    agent = save(http, agentConfig={"tools": ["a"]})
    for path, body in (
        ("/agents", {"name": f"agent-{uuid.uuid4()}", "agentConfig": {"tools": tools}}),
        ("/session", {"userIdentity": "ann", "agentConfig": {"tools": tools}}),
        ("/session", {"userIdentity": "ann", "agentId": agent, "agentConfig": {"tools": tools}}),
    ):
        refused = http.post(path, json=body)
        assert (refused.status_code, refused.json()["field"]) == (400, "agentConfig.tools")
