"""Would it serve a request: asked by whoever likes, told without asking LiveKit for each."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.integration.http.webhooks import eventually
from tests.simulator import SimulatorProcess


def test_readiness_tells_each_dependencys_state(
    http: httpx.Client, simulator: SimulatorProcess
) -> None:
    def ask() -> httpx.Response:
        return http.get("/health/ready")

    ready = eventually(ask, lambda answer: answer.status_code == 200)
    simulator.fault("ListRooms", "error")
    not_ready = eventually(ask, lambda answer: answer.status_code == 503)

    assert ready.json()["status"] == "ready"
    assert ready.json()["checks"] == {"livekit": {"status": "ok"}, "database": {"status": "ok"}}
    assert not_ready.json()["status"] == "not_ready"
    assert not_ready.json()["checks"]["livekit"]["error"].endswith(".")
    eventually(ask, lambda answer: answer.status_code == 200)


def test_however_many_ask_for_readiness_livekit_is_asked_once_a_second(
    http: httpx.Client, simulator: SimulatorProcess
) -> None:
    """It is public and not counted: LiveKit's connections are for sessions."""
    methods = ["GET", "HEAD"] * 50
    began, before = time.monotonic(), simulator.state()["requests"].get("ListRooms", 0)

    with ThreadPoolExecutor(16) as pool:
        asked = pool.map(lambda method: http.request(method, "/health/ready"), methods)
        statuses = {answer.status_code for answer in asked}

    seconds = time.monotonic() - began
    assert statuses == {200}
    assert simulator.state()["requests"].get("ListRooms", 0) - before <= 1 + seconds
