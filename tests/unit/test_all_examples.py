"""Properties with all of their random histories, of which `make test` has time for a third."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import examples
from tests.service import PROJECT

pytestmark = pytest.mark.slow

USE = "from tests.examples import examples"
FILES = sorted(
    str(path.relative_to(PROJECT))
    for path in (PROJECT / "tests").rglob("test_*.py")
    if USE in path.read_text() and path.name != Path(__file__).name
)


def test_there_are_such_properties() -> None:
    assert "tests/unit/reconciliation/test_any_fault.py" in FILES


@pytest.mark.parametrize("file", FILES)
def test_given_all_examples_then_a_property_holds(file: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--numprocesses", "0", "-p", "no:cacheprovider",
         "-m", "hypothesis and not slow", file],
        cwd=PROJECT, env={**os.environ, examples.VARIABLE: "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
