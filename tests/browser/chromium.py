"""Chromium, Node, and the packages that tests/browser/package-lock.json pins."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

import attrs

from tests.service import PROJECT

FOLDER: Final = Path(__file__).parent
INSTALL: Final = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")


class NoBrowser(RuntimeError):
    """A program is missing that drives a page."""


@attrs.frozen
class Browser:
    """Programs and packages that drive a page."""

    chromium: str
    node: str
    modules: Path

    def open(self, program: Path, *arguments: str) -> subprocess.Popen[str]:
        """Start a script of this folder; the end of its standard input ends it."""
        return subprocess.Popen(
            [self.node, program, self.chromium, self.modules, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


def find_browser() -> Browser:
    """Return the browser of this machine. Raises :class:`NoBrowser`, and says what to install."""
    programs = {name: shutil.which(name) for name in ("chromium", "node", "npm")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        raise NoBrowser(
            f"There is no {' and no '.join(missing)} here: `sh scripts/install_browser.sh` "
            "installs chromium; Node.js 20 brings node and npm."
        )
    return Browser(str(programs["chromium"]), str(programs["node"]), _modules())


def _modules() -> Path:
    """Install the packages once for each lock file."""
    lock = (FOLDER / "package-lock.json").read_bytes()
    folder = PROJECT / ".cache" / f"browser-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as held:  # another process of pytest's may install them
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(FOLDER / name, folder)
            subprocess.run(INSTALL, cwd=folder, check=True)
            (folder / "installed").touch()
    return folder / "node_modules"
