"""POST /session with dispatch on_join, over HTTP against the simulator and its webhooks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.livekit_server import free_port
from tests.service import START_LIMIT_SECONDS, running
from tests.simulator import SimulatorProcess, running_simulator


def until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def requests(simulator: SimulatorProcess) -> dict[str, int]:
    counts: dict[str, int] = simulator.state()["requests"]
    return counts


def test_the_answer_says_that_no_agent_was_dispatched_and_livekit_was_not_asked(
    http: httpx.Client, simulator: SimulatorProcess
) -> None:
    before = requests(simulator)
    body = {"userIdentity": "user-42", "dispatch": "on_join"}
    answer = http.post("/session", json=body)

    assert answer.status_code == 200
    started = answer.json()
    assert started["agentDispatched"] is False
    assert started["userToken"]
    assert started["agentConfig"]["llm"] == "openai/gpt-4o-mini"
    assert requests(simulator) == before
    assert simulator.room(started["roomName"]) is None
    session = http.get(f"/sessions/{started['sessionId']}").json()
    assert (session["status"], session["dispatch"]) == ("created", "on_join")
    assert session["joinUntil"] > session["createdAt"]
    assert session["timeline"] == []


def test_without_it_nothing_changes(http: httpx.Client) -> None:
    for body in ({}, {"dispatch": None}, {"dispatch": "now"}):
        started = http.post("/session", json={"userIdentity": "user-42", **body}).json()
        assert started["agentDispatched"] is True
        session = http.get(f"/sessions/{started['sessionId']}").json()
        assert (session["dispatch"], session["joinUntil"]) == ("now", None)


@pytest.mark.parametrize("value", ["later", "", 1, ["on_join"], {}, True, "ON_JOIN"])
def test_another_value_is_refused(http: httpx.Client, value: object) -> None:
    answer = http.post("/session", json={"userIdentity": "user-42", "dispatch": value})

    assert answer.status_code == 400
    assert answer.json()["field"] == "dispatch"


def test_an_unused_session_is_ended_and_answers_a_repeated_key_no_more(
    http: httpx.Client, simulator: SimulatorProcess
) -> None:
    body = {"userIdentity": "user-42", "dispatch": "on_join"}
    headers = {"Idempotency-Key": "an-offer"}
    first = http.post("/session", json=body, headers=headers).json()
    again = http.post("/session", json=body, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["sessionId"] == first["sessionId"]

    ended = http.post("/session/end", json={"roomName": first["roomName"]})

    assert ended.status_code == 204
    assert simulator.dispatches(first["roomName"]) == []
    session = http.get(f"/sessions/{first['sessionId']}").json()
    assert (session["status"], session["endReason"]) == ("ended", "ended_by_caller")
    assert http.post("/session", json=body, headers=headers).status_code == 409


@pytest.mark.parametrize("webhooks", [True, False])
def test_when_the_user_joins_then_one_agent_comes_with_or_without_webhooks(
    processes: dict[str, str], tmp_path: Path, *, webhooks: bool
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/telephony/livekit-webhook"
    with running_simulator([url] if webhooks else []) as simulator:
        simulator.register_worker("shreya-obnox")
        # Without webhooks only the reconciler notices; with them it must not be needed.
        interval = "86400" if webhooks else "1"
        environ = {
            **simulator.environ, **processes, "PORT": str(port),
            "RECONCILE_INTERVAL_SECONDS": interval,
        }  # fmt: skip
        with (
            running(environ, tmp_path) as service,
            httpx.Client(base_url=service.url, timeout=30) as client,
        ):
            body = {"userIdentity": "user-1", "roomName": "room-1", "dispatch": "on_join"}
            started = [client.post("/session", json=body).json() for _ in range(2)]
            assert len({each["sessionId"] for each in started}) == 1
            simulator.join("room-1", "user-1", kind="STANDARD")
            until(lambda: simulator.agents("room-1"))
            path = f"/sessions/{started[0]['sessionId']}"
            until(lambda: client.get(path).json()["agentDispatched"])

            assert client.post("/session", json=body).json()["agentDispatched"] is True
            assert len(simulator.dispatches("room-1")) == 1
            assert len(simulator.agents("room-1")) == 1
