"""A copy of the checkout in which a document's commands are run, as by a reader in a terminal."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Final

import attrs
import psutil

from tests.documents.blocks import Step, matches
from tests.livekit_server import free_port
from tests.service import PROJECT

READY: Final = "Ctrl-C stops everything.\n"
LIMIT_SECONDS: Final = 100
_BACKEND: Final = f'#!/bin/sh\nexec {PROJECT}/.venv/bin/python -m entrypoints.cli "$@"\n'
_MAKE: Final = '#!/bin/sh\nexec {make} -o .venv/.run-stamp -o .venv/.dev-stamp "$@"\n'
"""The packages are installed; the stamps of another checkout must not install them again."""


@attrs.define
class Terminal:
    """``make run`` on a pseudo-terminal: what it prints is gathered as it comes."""

    process: psutil.Popen
    printed: str = ""

    def gather(self, end: int) -> None:
        """Read until the terminal is closed."""
        while True:
            try:
                data = os.read(end, 65536)
            except OSError:  # the last process that had it open has ended
                break
            self.printed += data.decode(errors="replace").replace("\r\n", "\n")
        os.close(end)

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
    service: Terminal | None = None

    @classmethod
    def copied(cls, folder: Path) -> Checkout:
        """Copy what git tracks or would track; without .cache, so that LiveKit is simulated."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=PROJECT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (PROJECT / name).is_file() and not name.startswith("tests/"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT / name, folder / name)
        (folder / ".venv").symlink_to((PROJECT / ".venv").resolve())
        tools = folder / "tools"
        tools.mkdir()
        for name, text in (
            ("backend", _BACKEND),
            ("make", _MAKE.format(make=shutil.which("make"))),
        ):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        return cls(folder)

    def check(self, step: Step) -> None:
        """Run a command, which must succeed and print what the document shows."""
        variables = self.folder / "variables"
        script = f". {variables}\n{step.command}\nexport -p > {variables}\n"
        variables.touch()
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(script)], check=False,
            cwd=self.folder, env=self._environ(), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=LIMIT_SECONDS,
        )  # fmt: skip
        assert ran.returncode == 0, f"{step.command}{ran.stdout}"
        if step.output is not None:
            expected = self.here(step.output)
            assert matches(expected, ran.stdout), f"{step.command}{ran.stdout}"

    def serve(self, step: Step) -> None:
        """Start the service, in place of one that runs, and wait until it says how to stop it."""
        self.stop()
        terminal, end = pty.openpty()
        process = psutil.Popen(
            ["bash", "-c", f"exec env {step.command}"],
            cwd=self.folder, env=self._environ(), stdin=end, stdout=end, stderr=end,
            start_new_session=True,
        )  # fmt: skip
        os.close(end)
        self.service = Terminal(process)
        threading.Thread(target=self.service.gather, args=[terminal], daemon=True).start()
        deadline = time.monotonic() + LIMIT_SECONDS
        while READY not in self.service.printed:
            assert process.poll() is None, self.service.printed
            assert time.monotonic() < deadline, self.service.printed
            time.sleep(0.05)
        printed = self.service.printed.partition(READY)[0] + READY
        [self.livekit] = re.findall(r"^  URL +ws://(\S+)$", printed, re.M)
        if step.output is not None:
            assert matches(self.here(step.output), printed), printed

    def stop(self) -> None:
        """Stop the service if it runs."""
        if self.service:
            self.service.stop()
            self.service = None

    def here(self, text: str) -> str:
        """Return ``text`` with the ports that are free here in place of the usual ones."""
        return text.replace("127.0.0.1:4000", f"127.0.0.1:{self.port}").replace(
            "127.0.0.1:7880", self.livekit
        )

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": f"{self.folder / 'tools'}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "PORT": str(self.port),
            "TERM": "dumb",
        }
