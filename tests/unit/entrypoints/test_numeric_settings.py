"""Numbers that no variable can take, in every variable that is read: a line that says what can.

Only here does every numeric variable meet numbers of all kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.settings import InvalidSettings, load_settings, variables

REQUIRED = {
    "LIVEKIT_URL": "wss://example.livekit.cloud",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a-secret-nobody-may-see",
}
NOWHERE = Path("/nowhere")
ABSURD = (
    "nan", "inf", "-inf", "-1", "-0.5", "1e400", "1e3", "99999999999", "9" * 30, "9" * 5000, "0x1F",
    "1,5", "1_0", "½", "٣", "five", "1\x1b[31m", "1\n2", "1\u202e2", "+1", "--1",
)  # fmt: skip


def is_number(parse: Callable[[str], Any]) -> bool:
    try:
        value = parse("1")
    except ValueError:
        return False
    return isinstance(value, int | float | timedelta) and not isinstance(value, bool)


VARIABLES = {variable.name: variable.parse for variable in variables().values()}
NUMBERS = sorted(name for name, parse in VARIABLES.items() if is_number(parse))
absurd = st.sampled_from(ABSURD) | st.integers().map(str) | st.floats().map(repr) | st.text()


def outcome(environ: dict[str, str]) -> list[str]:
    try:
        load_settings({**REQUIRED, **environ}, NOWHERE)
    except InvalidSettings as error:
        return error.problems
    return []


def test_the_numbers_that_the_service_reads_are_found() -> None:
    assert {"PORT", "WORKERS", "RECONCILE_INTERVAL_SECONDS", "CALL_RETENTION_DAYS"} <= set(NUMBERS)


@pytest.mark.parametrize("name", sorted(VARIABLES))
@settings(max_examples=10)  # of each variable
@given(value=absurd)
def test_whatever_a_variable_says_it_is_taken_or_refused_in_one_line(name: str, value: str) -> None:
    for problem in outcome({name: value}):
        assert problem.isprintable()
        assert len(problem) < 400
        assert problem.startswith((name, "LIVEKIT_WEBHOOK_API_", "WORKERS"))


@pytest.mark.parametrize("value", ABSURD)
def test_an_absurd_number_is_refused_with_the_range_that_is_taken(value: str) -> None:
    for name in NUMBERS:
        [problem] = outcome({name: value})

        assert problem.startswith(f"{name} must be a ")
        assert " from " in problem
        assert " to " in problem


@pytest.mark.parametrize("value", ["-1", "nan", "99999999", "1" * 5000])
@pytest.mark.parametrize(
    ("option", "numbers"), [("connect_timeout", "0 to 9999"), ("connection_limit", "2 to 999")]
)
def test_a_number_in_the_database_s_url_has_a_range_too(
    option: str, numbers: str, value: str
) -> None:
    [problem] = outcome({"DATABASE_URL": f"postgresql://h/d?{option}={value}"})

    assert problem.startswith("DATABASE_URL must have a ")
    assert f"from {numbers} as its option {option}" in problem
