"""The help, the output and the exit codes of the commands are the golden files'."""

from __future__ import annotations

from tests.golden.files import check, collected


def test_given_the_golden_files_when_the_commands_run_then_they_print_the_same() -> None:
    check(collected("cli"))
