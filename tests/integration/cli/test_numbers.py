"""Numbers that no option can take: a sentence that names the option and its range, exit code 2.

Only here does every numeric option meet numbers of all kinds.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from entrypoints.cli.app import app
from tests.databases import sqlite_in
from tests.integration.cli.backend import Backend
from tests.livekit_server import API_KEY, API_SECRET, free_port

ABSURD = (
    "nan", "-nan", "inf", "-inf", "1e400", "-1e400", "-1", "-0.5", "99999999999", "9" * 30,
    "9" * 5000, "1e308", "0x1F", "", " ", "1,5", "½", "five", "\x1b[31m1", "1\n2",
)  # fmt: skip


@attrs.frozen
class NumericOption:
    """An option whose value is a number, and what a command line needs beside it."""

    command: tuple[str, ...]
    arguments: tuple[str, ...]
    name: str
    least: float | None
    most: float | None

    def given(self, value: str) -> tuple[str, ...]:
        return (*self.command, *self.arguments, f"{self.name}={value}")

    def takes(self, value: str) -> bool:
        assert self.least is not None
        assert self.most is not None
        try:
            return self.least <= float(value) <= self.most
        except ValueError:
            return False


def numeric_options(command: Any, path: tuple[str, ...] = ()) -> Iterator[NumericOption]:
    """Walk the parser: every option of every command that is an int or a float."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from numeric_options(inner, (*path, name))
    if command.callback is None:
        return
    hints = typing.get_type_hints(command.callback)
    needed = tuple("x" for param in command.params if param.required)
    for param in command.params:
        if not param.opts[0].startswith("-"):
            continue  # an argument, which has no name on the command line
        kinds = {hints.get(param.name), *typing.get_args(hints.get(param.name))}
        if kinds & {int, float}:
            yield NumericOption(path, needed, param.opts[0], param.min, param.max)


OPTIONS = tuple(numeric_options(get_command(app)))
SERVING = {("simulator",), ("simulate-call",)}


def ids(option: NumericOption) -> str:
    return " ".join((*option.command, option.name))


every_option = pytest.mark.parametrize("option", OPTIONS, ids=ids)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    folder = tmp_path_factory.mktemp("numbers")
    environ = {
        "DATABASE_URL": sqlite_in(folder),
        "LIVEKIT_URL": f"http://127.0.0.1:{free_port()}",  # where no LiveKit is
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
    }
    return Backend(environ, folder)


def test_the_walk_finds_the_options_that_the_documents_name() -> None:
    assert {ids(option) for option in OPTIONS} >= {
        "calls list --limit", "inbox list --limit", "keys create --days", "keys rotate --days",
        "keys rotate --grace-hours", "sessions token --ttl", "simulator --port",
        "simulate-call --seconds",
    }  # fmt: skip


@every_option
def test_every_number_has_a_least_and_a_most(option: NumericOption) -> None:
    assert option.least is not None
    assert option.most is not None


@every_option
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    value=st.sampled_from(ABSURD)
    | st.integers().map(str)
    | st.floats().map(repr)
    | st.text(max_size=8).filter(lambda text: "\0" not in text)
)
@example(value="nan")
@example(value="inf")
@example(value="99999999")
@example(value="9" * 5000)
def test_given_a_number_outside_its_range_then_one_line_names_the_option_and_the_range(
    ledger: Backend, option: NumericOption, value: str
) -> None:
    if option.takes(value):
        return

    result = ledger(*option.given(value))

    assert result.code == 2
    assert option.name in result.sentence
    assert f"from {option.least:g} to {option.most:g}" in result.sentence
    assert result.sentence.isprintable()
    assert len(result.sentence) < 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.command not in SERVING], ids=ids
)
def test_given_the_ends_of_a_range_then_the_command_takes_them(
    ledger: Backend, option: NumericOption
) -> None:
    for value in (option.least, option.most):
        result = ledger(*option.given(f"{value:g}"))

        assert result.code in (0, 1), result.errors  # 1: there is no key x


def test_given_the_longest_grace_and_life_then_a_key_is_replaced(ledger: Backend) -> None:
    most = {
        option.name: f"{option.most:g}"
        for option in OPTIONS
        if option.command in {("keys", "create"), ("keys", "rotate")}
    }
    key = ledger("keys", "create", "old", "--days", most["--days"]).output.strip()

    result = ledger(
        "keys", "rotate", key, "--grace-hours", most["--grace-hours"], "--days", most["--days"]
    )

    assert result.code == 0, result.errors


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "99999-01-01T00:00:00Z"]
)
@pytest.mark.parametrize("option", ["--since", "--until"])
def test_given_a_time_that_no_calendar_has_then_a_sentence_says_so(
    ledger: Backend, option: str, time: str
) -> None:
    result = ledger("calls", "list", option, time)

    assert result.code == 1
    assert result.sentence.startswith(f"{option[2:]} must be a time")
