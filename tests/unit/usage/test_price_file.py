"""A price table in a file, and what is wrong with one."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from entrypoints.settings import InvalidSettings, load_settings
from entrypoints.settings.price_file import MOST_BYTES, parse_price_file
from tests.service import PROJECT

GOOD = """\
name: ours-2026
currency: EUR
prices:
  - model: OpenAI/GPT-4o*
    from: 2026-01-01
    until: 2026-07-01
    input: 0.10
  - {model: openai/gpt-4o*, from: 2026-07-01, input: 0.1234567890123, output: 3}
"""
LINES = GOOD.splitlines()


def write(folder: Path, text: str | bytes) -> str:
    path = folder / "prices.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_decimals_and_days_are_taken_as_they_are_written(tmp_path: Path) -> None:
    good = GOOD.replace("0.1234567890123", "0.123456789012")
    table = parse_price_file(write(tmp_path, good))

    assert (table.name, table.currency) == ("ours-2026", "EUR")
    first, second = table.prices
    assert (first.model, first.since, first.until) == (
        "openai/gpt-4o*", date(2026, 1, 1), date(2026, 7, 1),
    )  # fmt: skip
    assert first.rates.input == Decimal("0.10")
    assert (second.rates.input, second.rates.output) == (Decimal("0.123456789012"), Decimal(3))


def test_the_example_is_good() -> None:
    table = parse_price_file(str(PROJECT / "deploy/prices.example.yaml"))

    for provider, model in (
        ("livekit", "openai/gpt-4o-mini"),
        ("livekit", "assemblyai/universal-streaming"),
        ("cartesia", "sonic-3"),
        ("livekit", "turn-detector"),
    ):
        assert table.rates(provider, model, date(2026, 11, 27)) is not None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("currency: EUR", "currency: Euro", "line 2: 'currency' must be an ISO 4217 code"),
        ("name: ours-2026", "name: ''", "line 1: 'name' must be 1 to 100"),
        ("name: ours-2026", "", "line 2: 'name' is missing"),
        ("name: ours-2026", "name: [a]", "line 1: 'name' must be a single value"),
        ("name: ours-2026", "nam: a", "line 1: 'nam' is unknown; there are name, currency"),
        ("    input: 0.10", "    inptu: 1", "line 7: 'inptu' is unknown"),
        ("    input: 0.10", "    input: 0,10", "line 7: 'input' must be a decimal such as 0.15"),
        ("    input: 0.10", "    input: -1", "line 7: 'input' must be a decimal"),
        ("    input: 0.10", "    input: .nan", "line 7: 'input' must be a decimal"),
        ("    input: 0.10", "    input:", "line 7: 'input' must be a decimal"),
        ("    input: 0.10", "    input: {a: 1}", "line 7: 'input' must be a single value"),
        ("    input: 0.10", "    input: 1\n    input: 2", "line 8: 'input' occurs twice"),
        ("    input: 0.10", "", "line 4: 'openai/gpt-4o*' has no rate"),
        ("OpenAI/GPT-4o*", "gpt-4o", "line 4: 'model' must be provider/model"),
        ("  - model: OpenAI/GPT-4o*", "  - until: 2026-06-01", "'until' occurs twice"),
        ("2026-01-01", "2026-02-30", "line 5: 'from' must be a day such as 2026-01-31"),
        ("2026-01-01", "01.01.2026", "line 5: 'from' must be a day"),
        ("    until: 2026-07-01", "    until: 2026-01-01", "line 6: 'until' must be after 'from'"),
        ("    until: 2026-07-01", "", "line 8: 'openai/gpt-4o*' has two prices for the same days"),
        ("prices:", "prices: []\nothers:", "line 4: 'others' is unknown"),
        ("  - model: OpenAI/GPT-4o*", "  - 7\n  - model: a/b", "A price must be a mapping"),
        ("name: ours-2026", "name: [", "is not valid YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    path = write(tmp_path, GOOD.replace("0.1234567890123", "0.2").replace(old, new))

    with pytest.raises(ValueError, match=re.escape(problem)):
        parse_price_file(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("- 1", "line 1: The file must be a mapping"),
        ("prices: {}\nname: a\ncurrency: EUR", "line 1: 'prices' must be a list"),
        ("prices: x\nname: a\ncurrency: EUR", "line 1: 'prices' must be a list"),
        ("prices:\n- input: 1\nname: a\ncurrency: EUR", "line 2: 'model' is missing"),
        ("prices: &a [*a]\nname: a\ncurrency: EUR", "line 1: A price must be a mapping"),
        ("[" * 600, "is not valid YAML"),
        (b"\xff\xfe\xff", "cannot be read as text"),
        ("#" * (MOST_BYTES + 1), "more than"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    tmp_path: Path, text: str | bytes, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_price_file(write(tmp_path, text))


def test_a_wrong_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings({"PRICES_FILE": str(tmp_path / "none.yaml")}, tmp_path, ["PRICES_FILE"])
    (problem,) = refused.value.problems
    assert problem.startswith("PRICES_FILE names a file that cannot be read as text")
    path = write(tmp_path, "currency: x")
    with pytest.raises(InvalidSettings, match=r"PRICES_FILE '.*', line 1: 'name' is missing"):
        load_settings({"PRICES_FILE": path}, tmp_path, ["PRICES_FILE"])
    assert load_settings({}, tmp_path, ["PRICES_FILE"]).prices is None
