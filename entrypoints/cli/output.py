"""Tables for a terminal, tab-separated lines for a pipe."""

from __future__ import annotations

import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_GAP: Final = 2
_INDENT: Final = 2
_LEAST_PROSE: Final = 24
"""Columns of a terminal that are left for the last cell, whose words are wrapped."""

_JOINERS: Final = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"

_Line = list[tuple[int, int]]
"""Columns that share a line of the terminal: the number and the width of each."""


def show(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on a terminal; elsewhere a tab-separated line for each row, without a header.

    The table fits the terminal's width. Columns that do not fit beside the others go to a further,
    indented line of their row, so that every value stays whole and can be copied. Only the words of
    the last column are wrapped.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in cells:
            typer.echo("\t".join(row))
        return
    # COLUMNS, else the terminal's own width; rich would take 80 wherever TERM is "dumb".
    width = shutil.get_terminal_size().columns
    console = Console(highlight=False)
    lines = _arranged([header, *cells], width)
    for line in _printed(header, lines, width):
        console.print(Text(line, style="bold"), soft_wrap=True)
    for row in cells:
        for line in _printed(row, lines, width):
            console.print(Text(line), soft_wrap=True)


def printable(cell: object) -> str:
    """Return ``cell`` as one line; None is empty, and a truth value is written as in JSON.

    Callers choose names and numbers: what would steer a terminal, or end a column, is replaced.
    """
    text = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
    return "".join(char if _is_shown(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _is_shown(char: str) -> bool:
    """Whether a character has a place of its own, or joins its neighbours, as in names and emoji.

    Python counts white space (but U+0020) and joiners as not printable.
    """
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"


def _arranged(rows: Sequence[Sequence[str]], width: int) -> list[_Line]:
    """Distribute the columns over as few lines as ``width`` allows."""
    lines: list[_Line] = [[]]
    used = 0
    last = len(rows[0]) - 1
    for number, column in enumerate(zip(*rows, strict=True)):
        wide = max(map(cell_len, column))
        needed = _needed(column, wide, width) if number == last else wide
        if lines[-1] and used + needed > width:
            lines.append([])
            used = _INDENT
        lines[-1].append((number, wide))
        used += wide + _GAP
    return lines


def _needed(column: Sequence[str], wide: int, width: int) -> int:
    """Return the width that the last column needs: that of its longest word, if a line has it."""
    least = min(wide, _LEAST_PROSE)
    words = (cell_len(word) for cell in column for word in cell.split())
    return max((word for word in words if least < word <= width - _INDENT), default=least)


def _printed(row: Sequence[str], lines: Sequence[_Line], width: int) -> Iterator[str]:
    """Yield the terminal's lines of a row."""
    last = len(row) - 1
    for line in lines:
        text = "" if line is lines[0] else " " * _INDENT
        for number, wide in line:
            if number == last:
                yield from _wrapped(text, row[number], width)
            else:
                text += row[number] + " " * (wide - cell_len(row[number]) + _GAP)
        if line[-1][0] != last:
            yield text.rstrip()


def _wrapped(before: str, cell: str, width: int) -> list[str]:
    """Wrap the words of the last cell; a word that is too long for a line stays whole."""
    indent = cell_len(before)
    room = max(width - indent, _LEAST_PROSE)
    first, *others = textwrap.wrap(cell, room, break_long_words=False, break_on_hyphens=False) or [
        ""
    ]
    return [f"{before}{first}".rstrip(), *(f"{' ' * indent}{part}" for part in others)]
