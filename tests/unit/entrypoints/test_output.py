"""Tables fit the terminal: columns move to further lines, values stay whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest
from rich.cells import cell_len

from entrypoints.cli.output import show

ID = "019c1400-0000-7000-8000-000000000101"
Shown = Callable[[int, Sequence[str], Sequence[Sequence[object]]], list[str]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    def shown(columns: int, header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
        output = Terminal()
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setattr("sys.stdout", output)
        show(header, rows)
        return output.getvalue().splitlines()

    return shown


def test_given_columns_that_fit_then_a_row_is_one_line(shown: Shown) -> None:
    lines = shown(80, ("call", "status", "room"), [(ID, "ended", "sales"), ("x", "active", None)])

    assert lines == [
        f"call{' ' * 34}status  room",
        f"{ID}  ended   sales",
        f"x{' ' * 37}active",
    ]


def test_given_columns_that_do_not_fit_then_they_follow_on_an_indented_line(shown: Shown) -> None:
    lines = shown(60, ("call", "again", "status"), [(ID, ID, "ended")])

    assert lines == ["call", f"  again{' ' * 33}status", ID, f"  {ID}  ended"]


def test_given_prose_in_the_last_column_then_its_words_are_wrapped(shown: Shown) -> None:
    error = "LiveKit could not be reached, so the event waits until it answers again."

    _, *lines = shown(60, ("event", "last error"), [("EV_1", error)])

    assert all(len(line) <= 60 for line in lines)
    assert lines[0].startswith("EV_1   LiveKit")
    assert " ".join(line.strip() for line in lines).split(maxsplit=1)[1] == error


def test_given_a_long_word_in_the_last_column_then_it_moves_to_a_line_that_has_it(
    shown: Shown,
) -> None:
    lines = shown(60, ("call", "room"), [(ID, "r" * 40), ("x", "sales")])

    assert lines == ["call", "  room", ID, "  " + "r" * 40, "x", "  sales"]


def test_given_a_value_longer_than_the_terminal_then_it_stays_whole(shown: Shown) -> None:
    room = "r" * 128

    lines = shown(80, ("status", "room"), [("ended", room)])

    assert lines[-1] == f"ended   {room}"


def test_given_wide_characters_then_columns_are_aligned(shown: Shown) -> None:
    _, first, second = shown(80, ("name", "state"), [("東京", "works"), ("web", "revoked")])

    assert cell_len(first[: first.index("works")]) == second.index("revoked")


def test_given_a_pipe_then_a_row_is_separated_by_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    show(("call", "status"), [(ID, None), ("a\tb", True)])

    assert capsys.readouterr().out == f"{ID}\t\na\N{REPLACEMENT CHARACTER}b\ttrue\n"


@pytest.mark.parametrize("name", ["👩\u200d🚀", "می\u200cروم", "田中\u3000太郎", "a\xa0b", "مريم"])
def test_given_a_name_of_any_script_then_it_stays_whole(shown: Shown, name: str) -> None:
    _, line = shown(80, ("identity", "room"), [(name, "sales")])

    assert line.startswith(f"{name} ")
    assert line.endswith(" sales")


@pytest.mark.parametrize("char", ["\x1b", "\x9b", "\u202e", "\u2066", "\u2028", "\ufeff"])
def test_given_what_would_steer_a_terminal_then_it_is_replaced(shown: Shown, char: str) -> None:
    _, line = shown(80, ("identity", "room"), [(f"a{char}b", "sales")])

    assert line.startswith("a\N{REPLACEMENT CHARACTER}b ")


def test_given_wide_letters_then_the_next_column_stands_under_its_heading(shown: Shown) -> None:
    heading, wide, narrow = shown(80, ("identity", "room"), [("田中太郎さん", "r"), ("ann", "r")])

    places = [cell_len(line[: line.rindex("r")]) for line in (wide, narrow)]
    assert places == [cell_len(heading[: heading.index("room")])] * 2
