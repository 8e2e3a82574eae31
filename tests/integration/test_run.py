"""``make run`` as real processes: where it listens, and what is left when one is killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.livekit_server import free_port
from tests.service import PROJECT
from tests.warm_processes import Process, popen

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 30
LIVEKIT = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a-secret-of-thirty-two-characters",
}
FIXED = "one-that-the-deployment-has"
MAKE = (
    "make", "-s", "-o", ".venv/.run-stamp", "-o", "entrypoints/console_files/index.html", "run",
)  # fmt: skip
DEV = (sys.executable, "-m", "entrypoints.dev")
HTTP = ("the service",)


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@contextmanager
def launched(
    command: tuple[str, ...], log: Path, environ: Mapping[str, str]
) -> Iterator[psutil.Popen]:
    """Run ``command`` for the length of a block; the service alone as a warm process."""
    given = {"PATH": os.environ["PATH"], "DATABASE_URL": "memory://", **environ}
    with log.open("wb") as output:
        streams: dict[str, Any] = {"stdout": output, "stderr": subprocess.STDOUT}
        process = (
            Process(popen("entrypoints.http", (), PROJECT, given, **streams))
            if command == HTTP
            else psutil.Popen(command, cwd=PROJECT, env=given, start_new_session=True, **streams)
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            for member in (process, *process.children(recursive=True)):
                member.kill()
        process.wait()


def left_of(family: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return which of ``family`` go on running; they are killed then."""
    _, alive = psutil.wait_procs(list(family), timeout=LIMIT_SECONDS)
    for member in alive:
        member.kill()
    return alive


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(
    ("command", "database", "workers"),
    [(MAKE, "sqlite", 1), (DEV, "postgres", 2), (HTTP, "sqlite", 1), (HTTP, "postgres", 2)],
)
def test_given_the_started_process_is_killed_then_nothing_it_started_is_left(
    command: tuple[str, ...],
    database: str,
    workers: int,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    port, url = free_port(), request.getfixturevalue(f"{database}_url")
    environ = {**LIVEKIT, "DATABASE_URL": url, "PORT": str(port), "WORKERS": str(workers)}
    with launched(command, tmp_path / "log", environ) as process:
        eventually(lambda: answers(f"http://127.0.0.1:{port}"), "it does not start")
        family = process.children(recursive=True)
        assert len(family) >= workers

        process.kill()

        assert not left_of(family)
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("0.0.0.0", port))


def test_given_a_process_is_killed_at_any_moment_of_its_start_then_nothing_is_left(
    tmp_path: Path,
) -> None:
    for step in range(8):
        environ = {**LIVEKIT, "PORT": str(free_port())}
        with launched(DEV, tmp_path / "log", environ) as process:
            seen: set[psutil.Process] = set()
            deadline = time.monotonic() + 0.15 * step
            while time.monotonic() < deadline:
                seen |= set(process.children(recursive=True))
            seen |= set(process.children(recursive=True))
            process.kill()
            assert not left_of(seen), step


def test_given_an_ipv6_host_and_no_livekit_then_every_url_is_right_until_make_is_killed(
    tmp_path: Path,
) -> None:
    port, log = free_port(), tmp_path / "log"
    environ = {"PORT": str(port), "HOST": "[::1]"}
    with launched(MAKE, log, environ) as process:
        eventually(lambda: "Ctrl-C stops" in log.read_text(), "it does not start")
        url = f"http://[::1]:{port}"
        assert f"backend-livekit is running at {url} " in log.read_text()
        assert f"curl -s '{url}/session'" in log.read_text()
        family = process.children(recursive=True)
        commands = [" ".join(member.cmdline()) for member in family]
        config = re.search(r"--config (\S+)", "\n".join(commands))
        settings = Path(config[1]).read_text() if config else "\n".join(commands)
        assert f"{url}/telephony/livekit-webhook" in settings

        process.kill()

        assert not left_of(family)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("::", "http://[::1]"),
        ("0.0.0.0", "http://127.0.0.1"),
        ("127.0.0.2", "http://127.0.0.2"),
        ("localhost", "http://localhost"),
    ],
)
def test_given_a_host_then_the_banner_s_url_answers_and_ctrl_c_stops_everything(
    host: str, url: str, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log"
    with launched(DEV, log, {**LIVEKIT, "HOST": host, "PORT": str(port)}) as process:
        eventually(lambda: "Ctrl-C stops" in log.read_text(), "it does not start")
        family = process.children(recursive=True)

        assert f"running at {url}:{port} " in log.read_text()
        assert answers(f"{url}:{port}")
        process.send_signal(signal.SIGINT)

        assert process.wait(LIMIT_SECONDS) == 0
        assert not left_of(family)


@pytest.mark.parametrize(
    ("command", "host"),
    [
        (DEV, "203.0.113.7"),
        (HTTP, "203.0.113.7"),
        (HTTP, "no-such-host.invalid"),
        (HTTP, "a..b"),
    ],
)
def test_given_a_host_of_another_machine_then_one_sentence_names_it(
    command: tuple[str, ...], host: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    environ = {**LIVEKIT, "HOST": host, "PORT": str(free_port())}
    with launched(command, log, environ) as process:
        assert process.wait(LIMIT_SECONDS) == 1

    assert f"HOST {host} is not an address of this machine" in log.read_text()
    assert log.read_text().count("\n") == 1


@pytest.mark.parametrize("number", ["abc", "-5", "1e400", "9" * 5000, "\u0663"])
def test_an_argument_that_is_no_process_number_is_refused_in_a_line(
    tmp_path: Path, number: str
) -> None:
    with launched((*DEV, number), tmp_path / "log", {}) as process:
        assert process.wait(timeout=LIMIT_SECONDS) == 1

    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.startswith("The argument must be the number of the process")


def test_given_make_run_then_each_step_is_said_before_the_banner(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with launched(MAKE, log, {"PORT": str(free_port())}):
        eventually(lambda: "Ctrl-C stops" in log.read_text(), "it does not start")
        printed = log.read_text()

    positions = [printed.index(part) for part in (
        "This takes about", "[1/3] Python packages", "[2/3] LiveKit: starting",
        "[2/3] LiveKit: runs at", "[3/3] Service: starting", '"event":"serving"',
        "backend-livekit is running at", "Agent name  shreya-obnox (the default",
    )]  # fmt: skip
    assert positions == sorted(positions)
    assert printed.endswith("Ctrl-C stops everything.\n\n")


@pytest.mark.parametrize("where", ["environment", "ledger"])
def test_given_api_keys_then_the_banner_s_example_works_as_it_is_pasted(
    where: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    environ = {"PORT": str(free_port()), "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/a b.db"}
    path = {"PATH": os.environ["PATH"]}
    if where == "environment":
        environ["API_KEYS"] = FIXED
    else:
        create = (sys.executable, "-m", "entrypoints.cli", "keys", "create", "first")
        subprocess.run(create, cwd=PROJECT, env=path | environ, check=True, capture_output=True)
    with launched(DEV, log, environ):
        eventually(lambda: "Ctrl-C stops" in log.read_text(), "it does not start")
        _, _, example = log.read_text().partition("in another terminal:")
        pasted = example.partition("Ctrl-C")[0]
        ran = subprocess.run(
            ["bash", "-ec", pasted], cwd=PROJECT, env=path, check=True, capture_output=True
        )

    assert FIXED not in log.read_text()
    assert b'"agentDispatched":true' in ran.stdout


def test_given_api_keys_and_a_ledger_in_memory_then_the_banner_says_where_the_key_comes_from(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    environ = {**LIVEKIT, "PORT": str(free_port()), "API_KEYS": FIXED}
    with launched(DEV, log, environ):
        eventually(lambda: "Ctrl-C stops" in log.read_text(), "it does not start")

    assert "export API_KEY=...    # one of the keys in API_KEYS" in log.read_text()
    assert '-H "Authorization: Bearer $API_KEY"' in log.read_text()
    assert "LIVEKIT_URL names; there is nothing to start" in log.read_text()
