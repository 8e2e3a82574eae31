"""Properties with the two thirds of their random histories that `make test` leaves out."""

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


@pytest.mark.parametrize("files", [FILES[::2], FILES[1::2]], ids=["one half", "the other"])
def test_given_the_other_examples_then_the_properties_hold(files: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--numprocesses", "0", "-p", "no:cacheprovider",
         "-m", "hypothesis and not slow", *files],
        cwd=PROJECT, env={**os.environ, examples.VARIABLE: "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
