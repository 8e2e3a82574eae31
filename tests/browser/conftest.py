"""Chromium, Node, and the packages that tests/browser/package-lock.json pins."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest

from tests.browser.console import Stage, Tab, opened, running_stage
from tests.service import PROJECT

FOLDER: Final = Path(__file__).parent
INSTALL: Final = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")


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


@pytest.fixture(scope="session")
def browser() -> Browser:
    """Return a browser; without one the test is skipped, but fails in CI (``CI`` set)."""
    programs = {name: shutil.which(name) for name in ("chromium", "node", "npm")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        sentence = (
            f"There is no {' and no '.join(missing)} here: `sh scripts/install_browser.sh` "
            "installs chromium; Node.js 20 brings node and npm."
        )
        if os.environ.get("CI"):
            raise RuntimeError(sentence)
        pytest.skip(sentence)
    return Browser(str(programs["chromium"]), str(programs["node"]), _modules())


def _modules() -> Path:
    """Install the packages once for each lock file."""
    lock = (FOLDER / "package-lock.json").read_bytes()
    folder = PROJECT / ".cache" / f"browser-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FOLDER / name, folder)
        subprocess.run(INSTALL, cwd=folder, check=True)
        (folder / "installed").touch()
    return folder / "node_modules"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_stage(tmp_path_factory.mktemp("console")) as stage:
        yield stage


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    with opened(browser) as tab:
        yield tab
