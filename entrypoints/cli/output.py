"""Rows for people at a terminal, lines for whatever reads a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


def show(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on a terminal; elsewhere a line for each row, tab-separated and without a header."""
    lines = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in lines:
            typer.echo("\t".join(line))
        return
    table = Table(*header, box=None)
    for line in lines:
        table.add_row(*map(Text, line))
    console = Console(highlight=False)
    # The terminal may break lines; a cell that is broken into several cannot be copied.
    unbroken = console.measure(table, options=console.options.update(max_width=10_000)).maximum
    console.width = max(console.width, unbroken)
    console.print(table)


def printable(cell: object) -> str:
    """``cell`` as one line; None is nothing, and truth is written as in JSON.

    Callers choose names and numbers: what would steer a terminal, or end a column, is replaced.
    """
    text = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
