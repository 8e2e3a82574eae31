"""A person talks to an agent from the console: real service, LiveKit server, worker and browser."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest

from tests.browser.console_stage import XSS, Tab
from tests.integration.http.webhooks import eventually
from tests.live.conftest import running_worker
from tests.live.stage import stage
from tests.service import PROJECT, Service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUIET: Final = 0.1
"""Of a level, which is from 0 (60 dB below full scale) to 1."""


@attrs.frozen
class Scene:
    """A service without keys, whose agents a worker serves."""

    service: Service

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.service.url}{path}", timeout=30).raise_for_status().json()

    def save_agent(self, **fields: object) -> str:
        answer = httpx.post(f"{self.service.url}/agents", json=fields, timeout=30)
        agent_id: str = answer.raise_for_status().json()["agentId"]
        return agent_id

    def open(self, tab: Tab, view: str) -> None:
        tab.do("open", f"{self.service.url}/console{view}")


@contextmanager
def served(folder: Path, **environ: str) -> Iterator[Scene]:
    subprocess.run(["sh", "scripts/build_console.sh"], cwd=PROJECT, check=True)
    with stage(folder) as empty, empty.service(**environ) as service:
        place = folder / "worker"
        place.mkdir()
        with running_worker(empty.environ, place):
            yield Scene(service)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with served(tmp_path_factory.mktemp("try")) as scene:
        yield scene


def is_well(tab: Tab) -> None:
    """The page's policy has refused nothing, and nothing has failed or been injected."""
    state = tab.do("state")
    assert (state["refused"], state["problems"], state["hacked"]) == ([], [], None)


def loudest(tab: Tab) -> dict[str, float]:
    """How loud each side has been at most, by what the page measures."""
    found: dict[str, float] = tab.do("evaluate", "globalThis.loudest")
    return found


def test_a_person_talks_to_a_saved_agent_hears_it_and_gets_the_session_s_page(
    scene: Scene, tab: Tab
) -> None:
    agent_id = scene.save_agent(name=f"Evil {XSS}"[:64], agentConfig={"greeting": f"Hi {XSS}"})
    scene.open(tab, f"#/try?agent={agent_id}")
    tab.do("see", "Simulate a phone call")
    tab.do("listen")

    tab.do("press", "Talk")

    tab.do("see", "The agent is")
    tab.do("see", "onerror=")  # the greeting, in the transcript
    tab.do("see", "agent joined")  # in the ledger
    heard = eventually(
        lambda: loudest(tab), lambda levels: min(levels.values(), default=0) > QUIET, seconds=30
    )
    assert heard.keys() == {"Your microphone: level", "The agent: level"}
    tab.do("press", "Mute")  # the microphone's beeps would be the user's last sound
    tab.do("see", "The agent is listening")
    tab.do("fill", "Type to the agent", "ping")
    tab.do("press", "Send")
    tab.do("see", "after a typed message")
    tab.do("press", "Unmute")
    assert tab.do("evaluate", "document.querySelectorAll('main img').length") == 0

    tab.do("press", "End")
    tab.do("see", "ended by caller")
    [session] = [each for each in scene.get("/sessions")["sessions"] if each["agentId"] == agent_id]
    assert tab.do("evaluate", "location.hash") == f"#/sessions/{session['sessionId']}"
    is_well(tab)


def test_given_no_worker_of_that_name_then_the_page_says_so(scene: Scene, tab: Tab) -> None:
    agent_id = scene.save_agent(name="nobody's", agentName="nobody-serves-this")
    scene.open(tab, f"#/try?agent={agent_id}")

    tab.do("press", "Talk")

    tab.do("see", "Waiting for the agent")
    tab.do("see", "'nobody-serves-this'")
    tab.do("press", "End")
    tab.do("see", "ended by caller")
    is_well(tab)
