"""LiveKit down, slow, lying or with another secret: the right answer, and never two agents."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service import running
from tests.simulator import SimulatorProcess


def start(http: httpx.Client, room: str) -> httpx.Response:
    return http.post("/session", json={"userIdentity": "ann", "roomName": room})


def assert_failed_without_agent(answer: httpx.Response) -> None:
    assert answer.status_code == 502
    assert answer.json()["agentDispatched"] is False
    assert answer.json()["code"].startswith("livekit_")


def assert_one_agent(simulator: SimulatorProcess, room: str) -> None:
    assert len(simulator.dispatches(room)) == 1
    assert len(simulator.agents(room)) == 1


@pytest.mark.parametrize("kind", ["error", "reset", "garbage", "blank", "empty"])
def test_given_a_failure_after_applying_then_the_dispatch_is_found_and_not_repeated(
    http: httpx.Client, simulator: SimulatorProcess, room: str, kind: str
) -> None:
    simulator.fault("CreateDispatch", kind, applied=True)

    answer = start(http, room)

    assert (answer.status_code, answer.json()["agentDispatched"]) == (200, True)
    assert_one_agent(simulator, room)


@pytest.mark.parametrize("kind", ["error", "reset", "garbage", "blank", "empty"])
def test_given_a_failure_before_applying_then_a_second_try_makes_the_one_agent(
    http: httpx.Client, simulator: SimulatorProcess, room: str, kind: str
) -> None:
    simulator.fault("CreateDispatch", kind, applied=False)

    answer = start(http, room)

    assert (answer.status_code, answer.json()["agentDispatched"]) == (200, True)
    assert_one_agent(simulator, room)


@pytest.mark.parametrize("kind", ["garbage", "blank", "redirect"])
def test_given_something_else_answers_for_livekit_then_502_says_what_to_set(
    http: httpx.Client, simulator: SimulatorProcess, room: str, kind: str
) -> None:
    simulator.fault("*", kind, times=50)
    answer = start(http, room)
    simulator.no_faults()

    assert_failed_without_agent(answer)
    assert "LIVEKIT_URL" in answer.json()["error"]
    if kind == "redirect":
        assert "redirects to https://livekit.example (HTTP 308)" in answer.json()["error"]
    assert simulator.dispatches(room) == []


def test_given_failures_that_go_on_then_502_and_the_next_post_settles_it(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    simulator.fault("*", "error", times=50)
    failed = start(http, room)
    session = http.get(f"/sessions/by-room/{room}").json()
    simulator.no_faults()

    retried = start(http, room)

    assert_failed_without_agent(failed)
    assert (session["status"], session["agentDispatched"]) == ("dispatch_failed", False)
    assert (retried.status_code, retried.json()["agentDispatched"]) == (200, True)
    assert retried.json()["sessionId"] == session["sessionId"]
    assert_one_agent(simulator, room)


def test_given_a_failure_after_applying_that_cannot_be_settled_then_the_next_post_finds_the_agent(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    simulator.fault("CreateDispatch", "error", applied=True)
    simulator.fault("ListRooms", "error", times=1)
    failed = start(http, room)

    retried = start(http, room)

    assert_failed_without_agent(failed)
    assert retried.status_code == 200
    assert_one_agent(simulator, room)


@pytest.mark.slow
def test_given_livekit_is_down_then_502_at_once_and_the_next_post_settles_it(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    simulator.outage(3.0)
    failed = start(http, room)
    time.sleep(3.5)

    retried = start(http, room)

    assert_failed_without_agent(failed)
    assert retried.status_code == 200
    assert_one_agent(simulator, room)


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.slow
def test_given_a_hanging_livekit_then_502_after_the_limit_and_the_next_post_settles_it(
    http: httpx.Client, simulator: SimulatorProcess, room: str, *, applied: bool
) -> None:
    simulator.fault("CreateDispatch", "hang", applied=applied)
    began = time.monotonic()
    answer = start(http, room)
    took = time.monotonic() - began

    retried = start(http, room)

    if applied:  # the question afterwards finds it
        assert (answer.status_code, answer.json()["agentDispatched"]) == (200, True)
    else:
        assert_failed_without_agent(answer)
    assert took > 9  # LiveKit has 10 s
    assert retried.status_code == 200
    assert_one_agent(simulator, room)


def test_given_a_slow_livekit_then_the_caller_waits_for_the_agent(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    simulator.fault("CreateDispatch", "hang", applied=True, seconds=1.5)

    answer = start(http, room)

    assert answer.status_code == 200
    assert_one_agent(simulator, room)


@pytest.fixture
def mistaken(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[httpx.Client]:
    """A service with another secret than LiveKit's."""
    environ = {
        **simulator.environ,
        "LIVEKIT_API_SECRET": "not-the-secret-that-livekit-knows-0123",
        "DATABASE_URL": "memory://",
    }
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        yield client


def test_given_a_wrong_secret_then_502_names_the_variables_and_no_secret(
    mistaken: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    answer = start(mistaken, room)
    ready = mistaken.get("/health/ready")

    assert_failed_without_agent(answer)
    assert "LIVEKIT_API_SECRET" in answer.json()["error"]
    assert "not-the-secret" not in answer.text
    assert simulator.room(room) is None
    assert ready.status_code == 503
    assert ready.json()["checks"]["livekit"]["status"] == "failed"
    assert ready.json()["checks"]["database"] == {"status": "ok"}


@pytest.mark.parametrize("kind", ["error", "reset"])
def test_given_livekit_fails_to_end_a_room_then_502_and_a_retry_works(
    http: httpx.Client, simulator: SimulatorProcess, room: str, kind: str
) -> None:
    start(http, room)
    simulator.fault("DeleteRoom", kind, applied=True)

    failed = http.post("/session/end", json={"roomName": room})
    session = http.get(f"/sessions/by-room/{room}").json()
    retried = http.post("/session/end", json={"roomName": room})

    assert failed.status_code == 502
    assert session["status"] != "ended"
    assert retried.status_code == 204
    assert http.get(f"/sessions/by-room/{room}").json()["status"] == "ended"
