"""The README's page, in a real browser, against `make run` with a real LiveKit and a worker."""

from __future__ import annotations

from pathlib import Path

import pytest
from livekit import api

from entrypoints.dev.livekit import DEV_KEY, DEV_SECRET
from tests.browser.chromium import FOLDER, Browser
from tests.documents.blocks import Step, blocks
from tests.documents.checkout import Checkout
from tests.live.conftest import running_worker
from tests.livekit_server import find_livekit_server
from tests.service import PROJECT

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
async def test_given_the_readme_s_page_when_its_button_is_pressed_then_user_and_agent_talk(
    browser: Browser, tmp_path: Path
) -> None:
    [page] = [block for block in blocks(PROJECT / "README.md") if block.language == "html"]
    checkout = Checkout.copied(tmp_path)
    binary = checkout.folder / ".cache" / "bin" / "livekit-server"
    binary.parent.mkdir(parents=True)
    binary.symlink_to(find_livekit_server().resolve())
    try:
        checkout.serve(Step("make run\n", None))
        url = f"ws://{checkout.livekit}"
        (tmp_path / "talk.html").write_text(checkout.here(page.text))
        worker = {"LIVEKIT_URL": url, "LIVEKIT_API_KEY": DEV_KEY, "LIVEKIT_API_SECRET": DEV_SECRET,
                  "AGENT_NAME": "shreya-obnox"}  # fmt: skip
        with running_worker(worker, tmp_path):
            identity, participants = await _talk(browser, tmp_path / "talk.html", url)
    finally:
        checkout.close()

    assert identity.startswith("talking with agent-")
    kinds = sorted(participant.kind for participant in participants)
    assert kinds == [api.ParticipantInfo.STANDARD, api.ParticipantInfo.AGENT]
    # Each of them publishes audio.
    assert all(len(participant.tracks) == 1 for participant in participants)


async def _talk(browser: Browser, page: Path, url: str) -> tuple[str, list[api.ParticipantInfo]]:
    """Return what the page shows once it hears the agent, and the participants of its room."""
    with browser.open(FOLDER / "talk.mjs", page.as_uri()) as process:
        assert process.stdout is not None
        shown = process.stdout.readline().strip()
        participants: list[api.ParticipantInfo] = []
        if shown:
            async with api.LiveKitAPI(url, DEV_KEY, DEV_SECRET) as livekit:
                [room] = (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
                request = api.ListParticipantsRequest(room=room.name)
                participants = list((await livekit.room.list_participants(request)).participants)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return shown, participants
