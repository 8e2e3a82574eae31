"""Several processes behind one port (WORKERS): one reconciler, each event handled once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from entrypoints.simulator.webhooks import signed_webhook
from tests.benchmarks.events import events_of_a_call
from tests.integration.http.webhooks import PATH
from tests.livekit_server import API_KEY, API_SECRET
from tests.service import Service, running
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow

WORKERS = 2
INTERVAL_SECONDS = 0.5


@pytest.fixture
def service(simulator: SimulatorProcess, postgres_url: str, tmp_path: Path) -> Iterator[Service]:
    environ = {
        **simulator.environ,
        "DATABASE_URL": postgres_url,
        "WORKERS": str(WORKERS),
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
    }
    with running(environ, tmp_path) as service:
        yield service


def test_there_are_as_many_as_asked_for_and_one_of_them_reconciles(
    service: Service, simulator: SimulatorProcess
) -> None:
    assert len(service.process.children()) == WORKERS
    began = time.monotonic()
    before = simulator.state()["requests"].get("ListRooms", 0)

    time.sleep(6 * INTERVAL_SECONDS)

    asked = simulator.state()["requests"]["ListRooms"] - before
    cycles = (time.monotonic() - began) / INTERVAL_SECONDS  # which a busy machine makes more
    assert 3 <= asked <= cycles + 1


def test_each_event_is_handled_once_whichever_process_took_it(
    service: Service, simulator: SimulatorProcess, room: str
) -> None:
    with httpx.Client(base_url=service.url, timeout=30) as client:
        for number in range(20):
            for event in events_of_a_call():
                event.room.name = f"{room}-{number}"
                body, headers = signed_webhook(event, API_KEY, API_SECRET)
                # Each on a connection of its own, so that either process gets some.
                httpx.post(service.url + PATH, content=body, headers=headers).raise_for_status()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            calls = client.get("/telephony/calls?limit=100").json()["calls"]
            if [call["status"] for call in calls] == ["ended"] * 20:
                break
            time.sleep(0.1)

    assert [call["status"] for call in calls] == ["ended"] * 20
    for number in range(20):
        assert len(simulator.dispatches(f"{room}-{number}")) <= 1


def test_all_of_them_end_when_the_service_is_told_to(service: Service) -> None:
    family = service.family()

    assert service.stop() == 0

    assert len(family) == WORKERS + 1
    assert not any(member.is_running() for member in family)
