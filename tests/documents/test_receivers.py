"""docs/how-to/receive-webhooks.md to the letter: each of its receivers gets a session's event."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.documents.blocks import COMMANDS, Step, blocks
from tests.documents.checkout import Checkout, Terminal
from tests.integration.http.webhooks import eventually
from tests.livekit_server import free_port
from tests.service import PROJECT

pytestmark = pytest.mark.slow

PAGE: Final = PROJECT / "docs" / "how-to" / "receive-webhooks.md"


@contextmanager
def begun(checkout: Checkout, command: str, ready: str) -> Iterator[Terminal]:
    """Run a command until the block ends; it has printed ``ready``."""
    terminal = checkout.begin(Step(command, None))
    try:
        waits(terminal, lambda printed: ready in printed)
        yield terminal
    finally:
        terminal.stop()


def waits(terminal: Terminal, holds: Callable[[str], bool]) -> None:
    eventually(lambda: terminal.printed, holds, seconds=60)


@pytest.mark.timeout(300)
def test_given_the_page_then_its_receivers_get_a_session_s_event(tmp_path: Path) -> None:
    pages = [block.steps() for block in blocks(PAGE) if block.language in COMMANDS]
    [[python], [node], [listen], [start], _add] = pages
    checkout = Checkout.copied(tmp_path)
    program = shutil.which("node")
    assert program is not None
    (tmp_path / "tools" / "node").symlink_to(program)
    try:
        checkout.serve(Step("make run\n", None))
        for receiver in (python, node):
            port = free_port()
            forward = listen.command.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            with (
                begun(checkout, f"export PORT={port}\n{receiver.command}", "Listening") as took,
                begun(checkout, forward, "Ready.") as sent,
            ):
                checkout.check(start)

                waits(took, lambda printed: "session.created" in printed)
                waits(sent, lambda printed: "-> 204" in printed)
    finally:
        checkout.stop()
