"""A warm process is to a test what a process of its own is."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.livekit_server import free_port
from tests.service import START_LIMIT_SECONDS, launch
from tests.simulator import SimulatorProcess
from tests.warm_processes import Process, popen


def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    with popen(
        "entrypoints.cli", arguments, folder, environ,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        output, errors = process.communicate(timeout=START_LIMIT_SECONDS)
    return process.returncode, output, errors


COMMANDS: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
    (("version",), {}),
    (("calls", "list"), {"DATABASE_URL": "x"}),
    (("migrate",), {"DATABASE_URL": "sqlite+aiosqlite:///ledger.db"}),
    (("no-such-command",), {}),
)


@pytest.fixture
def warm(tmp_path: Path) -> list[tuple[int, str, str]]:
    return [run(tmp_path, *arguments, **environ) for arguments, environ in COMMANDS]


@pytest.mark.slow
def test_given_commands_when_they_run_warm_and_cold_then_code_and_output_are_the_same(
    warm: list[tuple[int, str, str]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("cold_processes")

    cold = [run(tmp_path, *arguments, **environ) for arguments, environ in COMMANDS]

    assert [code for code, _, _ in warm] == [0, 2, 0, 2]
    assert warm == cold
    assert (tmp_path / "ledger.db").exists()


def test_given_a_warm_process_when_a_signal_ends_it_then_its_code_says_which(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": "memory://", "PORT": str(free_port())}
    process, _ = launch(environ, tmp_path)
    assert process.poll() is None
    with pytest.raises(psutil.TimeoutExpired):
        process.wait(timeout=0.05)

    process.send_signal(signal.SIGKILL)

    assert process.wait(timeout=30) == -signal.SIGKILL
    assert not psutil.pid_exists(process.pid)


def test_given_a_variable_that_the_interpreter_reads_then_the_process_is_one_of_its_own(
    tmp_path: Path,
) -> None:
    started = popen("entrypoints.cli", ["simulator", "--port", "0"], tmp_path, {"TZ": "UTC"})
    process = Process(started)
    try:
        assert process.parent() == psutil.Process()
    finally:
        process.kill()
        assert process.wait(timeout=30) == -signal.SIGKILL
