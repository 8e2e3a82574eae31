"""What tests start ends with them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.integration.http.webhooks import eventually
from tests.service import PROJECT

TESTS: Final = """
import os, subprocess, sys, time
from pathlib import Path
from tests import guard
guard.install()
folder = Path(sys.argv[1])
guard.guard_folder(folder)
child = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE)
server = os.posix_spawn(folder / "postgres", ["postgres", "600"], {}, setsid=True)
(folder / "data").mkdir()
(folder / "data" / "postmaster.pid").write_text(f"{server}\\n")
print(child.pid, child.stdout.readline().decode().strip(), server, flush=True)
time.sleep(600)
"""
"""A server that no subprocess.Popen knows, and a process that has one of its own."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cluster"
    folder.mkdir()
    shutil.copy(str(shutil.which("sleep")), folder / "postgres")
    return folder


@pytest.fixture
def tests(folder: Path) -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-c", TESTS, str(folder)]
    with subprocess.Popen(program, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as tests:
        yield tests
        tests.kill()


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM], ids=lambda by: by.name)
def test_given_tests_that_a_signal_ends_then_their_processes_and_servers_end_too(
    tests: subprocess.Popen[str], folder: Path, by: signal.Signals
) -> None:
    assert tests.stdout is not None
    started = [int(number) for number in tests.stdout.readline().split()]
    assert all(map(is_running, started))

    os.kill(tests.pid, by)

    eventually(lambda: [*map(is_running, started)], lambda running: not any(running))
    eventually(folder.exists, lambda exists: not exists)


def is_running(number: int) -> bool:
    try:
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
