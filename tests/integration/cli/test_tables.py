"""Tables on a real terminal, whatever TERM says that it is."""

from __future__ import annotations

import os
import pty
import re
import termios
import uuid

import httpx
import pytest

from tests.integration.cli.backend import LIMIT_SECONDS, Backend


@pytest.fixture
def session(url: str) -> dict[str, str]:
    """A session that was started over HTTP, as the HTTP API shows it."""
    body = {"userIdentity": f"user-{uuid.uuid4().hex}"}
    session_id = httpx.post(f"{url}/session", json=body).json()["sessionId"]
    shown: dict[str, str] = httpx.get(f"{url}/sessions/{session_id}").json()
    return shown


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_given_a_wide_terminal_then_a_row_is_one_whole_line(
    backend: Backend, session: dict[str, str], kind: str
) -> None:
    header, row = on_terminal(backend, session, 250, kind)

    assert "identity" in header
    assert session["sessionId"] in row
    assert session["roomName"] in row
    assert "\t" not in row


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_given_80_columns_then_every_line_fits_and_every_value_is_whole(
    backend: Backend, session: dict[str, str], kind: str
) -> None:
    lines = on_terminal(backend, session, 80, kind)

    assert all(len(line) <= 80 for line in lines)
    for name in ("sessionId", "createdAt", "userIdentity", "roomName"):
        assert session[name] in "\n".join(lines)
    assert "\N{HORIZONTAL ELLIPSIS}" not in "\n".join(lines)


def on_terminal(backend: Backend, session: dict[str, str], columns: int, kind: str) -> list[str]:
    """What `sessions list` prints on a terminal of so many columns, without bold."""
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, columns))
    command = ("sessions", "list", "--identity", session["userIdentity"])
    with backend.with_environ(TERM=kind).start(*command, stdout=end) as process:
        process.wait(LIMIT_SECONDS)
    os.close(end)
    printed = os.read(terminal, 10_000).decode()
    os.close(terminal)
    return re.sub(r"\x1b\[[01]m", "", printed).splitlines()
