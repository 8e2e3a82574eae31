"""The wheel works in a virtual environment of its own, away from the checkout.

Covers what no other tier does: packaging. Everything else imports the project from the checkout.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs
import httpx
import pytest

from entrypoints.version import VERSION
from tests.databases import PostgresServer
from tests.livekit_server import free_port
from tests.service import PROJECT, START_LIMIT_SECONDS
from tests.simulator import running_simulator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # downloads what the service needs where no cache has it
]

PACKAGES = ("domain", "application", "adapters", "entrypoints")
BUILT_FROM = (
    *PACKAGES, "alembic", "requirements", "pyproject.toml", "setup.py", "README.md", "LICENSE",
    "console", "scripts", "Makefile",
)  # fmt: skip
LEFT_OUT = shutil.ignore_patterns("node_modules")
INSTRUCTIONS = PROJECT / "docs" / "install.md"
DOCUMENTED = "/opt/backend-livekit"


@attrs.frozen
class Installation:
    """A wheel, and the programs of a virtual environment that has it and its requirements."""

    wheel: Path
    bin: Path

    def run(self, *command: str, folder: Path, environ: Mapping[str, str]) -> str:
        """Return what a program of the environment prints; it must succeed."""
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            check=False, cwd=folder, env=self._environ(environ), capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextmanager
    def serving(self, folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
        """Run `backend serve` for the length of a block and yield its URL."""
        port = free_port()
        process = subprocess.Popen(
            [str(self.bin / "backend"), "serve"],
            cwd=folder,
            env=self._environ({"HOST": "127.0.0.1", "PORT": str(port), **environ}),
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=15) == 0
        finally:
            process.kill()
            process.wait()

    def _environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": f"{self.bin}:{os.defpath}", **environ}


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while True:
        try:
            httpx.get(url, timeout=1).raise_for_status()
        except httpx.HTTPError:
            assert process.poll() is None, "the service ended"
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """What the steps of docs/install.md make of a copy, since a build leaves files behind.

    The console is built already (scripts/check_deployment.py builds it from nothing), and pip
    compiles nothing: Python does that for the modules that it imports.
    """
    subprocess.run(["sh", "scripts/build_console.sh"], cwd=PROJECT, check=True)
    source, environment = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("environment")
    for name in BUILT_FROM:
        path = PROJECT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=LEFT_OUT)
        else:
            shutil.copy(path, source / name)
    [steps, *_] = re.findall(r"```sh\n(.+?)```", INSTRUCTIONS.read_text(), re.DOTALL)
    assert DOCUMENTED in steps
    script = f"{steps.replace(DOCUMENTED, str(environment))}\n{environment}/bin/pip check\n"
    done = subprocess.run(
        ["sh", "-exc", script], check=False, cwd=source, capture_output=True, text=True,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{_node()}:{os.defpath}",
            "PIP_NO_COMPILE": "0",  # pip's negative options want a negative value
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = (source / "dist").glob("*.whl")
    return Installation(wheel, environment / "bin")


def _node() -> Path:
    """The folder of Node.js, which builds the console."""
    npm = shutil.which("npm")
    assert npm is not None, "Node.js 20 is needed"
    return Path(npm).parent


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A working folder of another project, which has packages of the same names."""
    folder = tmp_path / "another project"
    for name in PACKAGES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise ImportError('the other project')\n")
    return folder


def test_the_wheel_has_every_module_the_migrations_the_console_and_marks_of_typed_packages(
    installation: Installation,
) -> None:
    modules = {
        str(path.relative_to(PROJECT))
        for name in PACKAGES
        for path in (PROJECT / name).rglob("*.py")
    }
    migrations = {
        f"adapters/sqlalchemy/{path.relative_to(PROJECT)}"
        for path in (PROJECT / "alembic").rglob("*.py")
    }
    typed = {f"{name}/py.typed" for name in PACKAGES}

    with zipfile.ZipFile(installation.wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    console = {name for name in packed if name.startswith("entrypoints/console_files/")}
    assert packed - console == modules | migrations | typed
    assert "entrypoints/console_files/index.html" in console
    assert {Path(name).suffix for name in console} == {".html", ".js", ".css", ".svg", ".gz", ".br"}


def test_given_the_wheel_alone_then_it_migrates_serves_and_answers_a_session(
    installation: Installation, elsewhere: Path, postgres: PostgresServer
) -> None:
    assert installation.run("backend", "--version", folder=elsewhere, environ={}) == VERSION
    with running_simulator() as simulator:
        for url in (f"sqlite+aiosqlite:///{elsewhere}/new.db", postgres.new_database()):
            environ = {**simulator.environ, "DATABASE_URL": url}

            installation.run("backend", "migrate", folder=elsewhere, environ=environ)
            with installation.serving(elsewhere, environ) as service:
                response = httpx.post(f"{service}/session", json={"userIdentity": "user-42"})
                assert "/console/assets/" in httpx.get(f"{service}/console").text

            assert response.status_code == 200, response.text
            started = response.json()
            assert started["agentDispatched"] is True
            [dispatch] = simulator.dispatches(started["roomName"])
            assert started["sessionId"] in dispatch["metadata"]


def test_given_the_wheel_then_a_script_starts_a_session_without_http(
    installation: Installation, tmp_path: Path
) -> None:
    shutil.copy(PROJECT / "examples" / "start_session.py", tmp_path)
    with running_simulator() as simulator:
        environ = {**simulator.environ, "DATABASE_URL": "memory://"}

        printed = installation.run(
            "python", "start_session.py", "user-42", folder=tmp_path, environ=environ
        )

        room, token = printed.split()
        assert simulator.room(room) is not None
        assert token.count(".") == 2
