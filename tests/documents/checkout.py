"""A copy of the checkout in which a document's commands are run, as by a reader in a terminal."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import termios
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import attrs
import psutil

from tests.documents.blocks import Step, matches
from tests.documents.warm_backend import warm_backend
from tests.livekit_server import free_port
from tests.service import PROJECT, running
from tests.simulator import running_simulator

READY: Final = "Ctrl-C stops everything.\n"
LIMIT_SECONDS: Final = 100
_BOLD: Final = re.compile(r"\x1b\[[01]m")
"""What curl writes around the names of headers, whatever TERM is."""
_MAKE: Final = """#!/bin/sh
exec {make} -o .venv/.run-stamp -o .venv/.dev-stamp -o entrypoints/console_files/index.html "$@"
"""
"""The packages are installed; the stamps of another checkout must not install them again.

The console is not built for each document: tests/browser and tests/deployment do that.
"""


@attrs.define
class Terminal:
    """A process on a pseudo-terminal; ``printed`` grows as it prints."""

    process: psutil.Popen
    _outside: int
    printed: str = ""
    reader: threading.Thread = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        """Read until every process that has the terminal open has ended."""
        data = b""
        while True:
            try:
                data += os.read(self._outside, 65536)
            except OSError:
                break
            text = data.decode(errors="replace").replace("\r\n", "\n")
            self.printed = _BOLD.sub("", text)
        os.close(self._outside)

    def stop(self) -> None:
        """Press Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(LIMIT_SECONDS)


@attrs.define
class Checkout:
    """Runs steps in ``folder``; the environment that one exports is the next one's."""

    folder: Path
    port: int = attrs.field(factory=free_port)
    livekit: str = "127.0.0.1:7880"
    serves: bool = False
    service: Terminal | None = None
    _warm: ExitStack = attrs.field(factory=ExitStack)
    """What :meth:`serve_warm` has started."""
    _backend: ExitStack = attrs.field(factory=ExitStack)

    @classmethod
    def copied(cls, folder: Path) -> Checkout:
        """Copy what git tracks or would track; without .cache, so that LiveKit is simulated.

        With what Python has compiled of it, which it trusts for the files' times: or each process
        that starts here compiles everything again.
        """
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=PROJECT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        names = [name for name in listed.stdout.split("\0") if not name.startswith("tests/")]
        for name in filter(lambda name: (PROJECT / name).is_file(), names):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
        for compiled in {Path(name).parent / "__pycache__" for name in names}:
            if (PROJECT / compiled).is_dir():
                shutil.copytree(PROJECT / compiled, folder / compiled)
        (folder / ".venv").symlink_to((PROJECT / ".venv").resolve())
        tools = folder / "tools"
        tools.mkdir()
        (tools / "make").write_text(_MAKE.format(make=shutil.which("make")))
        (tools / "make").chmod(0o755)
        checkout = cls(folder)
        checkout._backend.enter_context(warm_backend(tools / "backend"))
        return checkout

    def check(self, step: Step) -> str:
        """Run a command, which must succeed and print what the document shows; what it printed."""
        variables = self.folder / "variables"
        variables.touch()
        script = f". {variables}\n{step.command}\nexport -p > {variables}\n"
        terminal = self._start("bash", "-euo", "pipefail", "-c", self.here(script))
        code = terminal.process.wait(LIMIT_SECONDS)
        terminal.reader.join(LIMIT_SECONDS)
        assert code == 0, f"{step.command}{terminal.printed}"
        if step.output is not None:
            same = matches(self.here(step.output), terminal.printed)
            assert same, f"{step.command}{terminal.printed}"
        return terminal.printed

    def serve(self, step: Step) -> None:
        """Start the service, in place of one that runs, and wait until it says how to stop it."""
        self.stop()
        self.service = service = self._start("bash", "-c", f"exec env {step.command}")
        deadline = time.monotonic() + LIMIT_SECONDS
        while READY not in service.printed:
            assert service.process.poll() is None, service.printed
            assert time.monotonic() < deadline, service.printed
            time.sleep(0.05)
        printed = service.printed.partition(READY)[0] + READY
        [self.livekit] = re.findall(r"^  URL +ws://(\S+)$", printed, re.M)
        if step.output is not None:
            assert matches(self.here(step.output), printed), printed
        self.serves = True

    def serve_warm(self) -> None:
        """Start what `make run` starts, for a document that does not show how it is started."""
        self.stop()
        webhooks = [f"http://127.0.0.1:{self.port}/telephony/livekit-webhook"]
        simulator = self._warm.enter_context(running_simulator(webhooks))
        self.livekit = f"127.0.0.1:{simulator.port}"
        defaults = {"HOST": "", "RATE_LIMIT_PER_MINUTE": ""}  # a blank one is as none
        environ = {**simulator.environ, **defaults, "PORT": str(self.port)}
        self._warm.enter_context(running(environ, self.folder))
        self.serves = True

    def begin(self, step: Step) -> Terminal:
        """Start a command that goes on until it is stopped, in a terminal of its own."""
        return self._start("bash", "-euc", self.here(step.command))

    def stop(self) -> None:
        """Stop the service if it runs."""
        self.serves = False
        self._warm.close()
        if self.service:
            self.service.stop()
            self.service = None

    def close(self) -> None:
        """Stop everything."""
        self.stop()
        self._backend.close()

    def here(self, text: str) -> str:
        """Return ``text`` with the ports that are free here in place of the usual ones."""
        return text.replace("127.0.0.1:4000", f"127.0.0.1:{self.port}").replace(
            "127.0.0.1:7880", self.livekit
        )

    def _start(self, *command: str) -> Terminal:
        """Start a command on a terminal of 80 columns."""
        outside, inside = pty.openpty()
        termios.tcsetwinsize(inside, (24, 80))
        process = psutil.Popen(
            command, cwd=self.folder, env=self._environ(), stdin=inside, stdout=inside,
            stderr=inside, start_new_session=True,
        )  # fmt: skip
        os.close(inside)
        return Terminal(process, outside)

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": f"{self.folder / 'tools'}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "PORT": str(self.port),
            "TERM": "dumb",
        }
