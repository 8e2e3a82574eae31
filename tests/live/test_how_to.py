"""docs/how-to/get-transcripts.md to the letter, up to a transcript, usage and audio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from livekit import rtc

from tests.documents.blocks import COMMANDS, Step, blocks
from tests.documents.checkout import Checkout, Terminal
from tests.live.steps import join, until
from tests.live.test_agent import Ear
from tests.service import PROJECT

pytestmark = pytest.mark.slow

PAGE = PROJECT / "docs" / "how-to" / "get-transcripts.md"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """One in which `make livekit` has been run."""
    checkout = Checkout.copied(tmp_path)
    built = tmp_path / ".cache" / "bin" / "livekit-server"
    built.parent.mkdir(parents=True)
    built.symlink_to(PROJECT / ".cache" / "bin" / "livekit-server")
    yield checkout
    checkout.close()


def kill(terminal: Terminal) -> None:
    """End what runs in it."""
    family = [terminal.process, *terminal.process.children(recursive=True)]
    for member in family:
        if member.is_running():
            member.kill()
    psutil.wait_procs(family, timeout=10)


@pytest.mark.timeout(600)
async def test_given_the_page_then_its_commands_bring_a_session_s_transcript(
    checkout: Checkout, participant: rtc.Room
) -> None:
    page = [block.steps() for block in blocks(PAGE) if block.language in COMMANDS]
    [[serve], [work], [start], [end], [read]] = page
    await asyncio.to_thread(checkout.serve, serve)
    worker = checkout.begin(work)
    try:
        await until(lambda: "registered worker" in worker.printed, 200)
        started = json.loads(await asyncio.to_thread(checkout.check, start))
        ear = Ear(participant)
        await join(participant, started)
        await until(lambda: "Hello!" in ear.heard, 120)

        await asyncio.to_thread(checkout.check, end)

        service = checkout.service
        assert service is not None
        await until(lambda: "report received" in service.printed, 120)
        printed = await asyncio.to_thread(checkout.check, Step(read.command, None))
    finally:
        kill(worker)
    assert "assistant: Hello!" in printed
    assert '"type":"tts"' in printed
    assert (checkout.folder / "first-report.ogg").read_bytes().startswith(b"OggS")
