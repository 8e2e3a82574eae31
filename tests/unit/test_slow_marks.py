"""A test file marks its own slow tests: in other files `make test-slow` does not look for marks."""

from __future__ import annotations

from tests.conftest import SLOW
from tests.service import PROJECT


def test_no_other_file_marks_a_test_slow() -> None:
    others = {
        str(path.relative_to(PROJECT))
        for path in (PROJECT / "tests").rglob("*.py")
        if SLOW in path.read_text() and not path.name.startswith("test_")
    }

    assert others == {"tests/conftest.py"}
