"""A service that is started with closed standard streams serves, and logs into no other file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from tests.databases import sqlite_in
from tests.integration.http.webhooks import eventually
from tests.livekit_server import free_port
from tests.service import PROJECT
from tests.simulator import SimulatorProcess


@pytest.mark.parametrize("closed", [pytest.param("2>&-", marks=pytest.mark.slow), "<&- >&- 2>&-"])
def test_given_closed_streams_then_it_serves_and_its_numbers_are_no_other_file_s(
    simulator: SimulatorProcess, tmp_path: Path, closed: str
) -> None:
    port = free_port()
    environ = {
        **simulator.environ,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATABASE_URL": sqlite_in(tmp_path),
    }
    with psutil.Popen(
        ["/bin/sh", "-c", f'exec "$0" -m entrypoints.http {closed}', sys.executable],
        cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                eventually(lambda: _health(client), lambda status: status == 200)
                posted = client.post("/session", json={"userIdentity": "ann"})
            assert posted.status_code == 200
            for member in (process, *process.children()):
                assert os.readlink(f"/proc/{member.pid}/fd/2") == "/dev/null"
        finally:
            process.terminate()
            assert process.wait(15) == 0
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _health(client: httpx.Client) -> int:
    try:
        return client.get("/health").status_code
    except httpx.ConnectError:
        return 0
