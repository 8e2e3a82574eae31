"""docs/tutorials/talk-to-an-agent.md, followed from its first line to an agent that answers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.browser.chromium import Browser
from tests.browser.console_stage import opened
from tests.documents.blocks import Block, blocks
from tests.documents.checkout import Checkout
from tests.integration.http.webhooks import eventually
from tests.livekit_server import find_livekit_server
from tests.service import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TUTORIAL: Final = PROJECT / "docs" / "tutorials" / "talk-to-an-agent.md"
BUILT: Final = Path("entrypoints", "console_files")


def in_a_fresh_clone(folder: Path) -> Checkout:
    """Return a checkout in which `make livekit`, and the console's build, are done."""
    subprocess.run(["sh", "scripts/build_console.sh"], cwd=PROJECT, check=True)
    checkout = Checkout.copied(folder)
    shutil.copytree(PROJECT / BUILT, folder / BUILT)
    binary = folder / ".cache" / "bin" / "livekit-server"
    binary.parent.mkdir(parents=True)
    binary.symlink_to(find_livekit_server().resolve())
    return checkout


def steps() -> tuple[Block, Block]:
    """Return the block that starts the service, and the one that starts the worker."""
    service, worker = [each for each in blocks(TUTORIAL) if "needs a browser" in each.mark]
    return service, worker


def test_given_a_fresh_clone_when_the_tutorial_is_followed_then_an_agent_answers_and_a_call_comes(
    browser: Browser, tmp_path: Path
) -> None:
    checkout = in_a_fresh_clone(tmp_path)
    service, worker = steps()
    try:
        [start] = service.steps()
        checkout.serve(start)
        terminal = checkout.begin(worker.steps()[0])
        try:
            eventually(
                lambda: terminal.printed, lambda text: "registered worker" in text, seconds=120
            )
            with opened(browser) as tab:
                url = f"http://127.0.0.1:{checkout.port}/console"
                tab.do("open", f"{url}#/try")
                tab.do("press", "Talk")
                tab.do("press", "Mute")  # the microphone's beeps would be the user's last sound
                tab.do("see", "The agent is listening")
                tab.do("fill", "Type to the agent", "good morning")
                tab.do("press", "Send")
                tab.do("see", "after a typed message")
                tab.do("press", "End")
                tab.do("see", "ended by caller")

                tab.do("view", "#/try/phone")
                tab.do("press", "Call")
                tab.do("see", "active")
                tab.do("press", "Hang up")
                tab.do("see", "ended")
        finally:
            terminal.stop()
    finally:
        checkout.close()
