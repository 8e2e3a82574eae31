"""The help of every command, and what commands print on a database whose content is known."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from unittest import mock

import typer

from tests.golden import collect
from tests.golden.commands import COMMANDS, Command
from tests.golden.files import FOLDER

LEDGER: Final = FOLDER / "ledger.json"
"""The rows that the commands run on."""

_KEY: Final = re.compile(r"(blk_[a-z2-7]{12})_[A-Za-z0-9_-]{43}")
_PORT: Final = re.compile(r"(127\.0\.0\.1):\d{4,5}\b")
_SECONDS: Final = re.compile(r"\d{8}T\d{6}Z")
_BOLD: Final = re.compile(r"\x1b\[[01]m")
"""What rich writes around a table's headings; any other control sequence is a defect."""
_COMMANDS_ONCE: Final = mock.patch(
    "typer.main.get_command", functools.cache(typer.main.get_command)
)
"""Typer otherwise makes every command anew for each that runs, which takes 0.1 s of CPU."""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Interrupted(io.StringIO):
    """Sends SIGINT as soon as the command has printed that Ctrl-C stops it."""

    def write(self, text: str) -> int:
        written = super().write(text)
        if "Ctrl-C stop" in text:
            os.kill(os.getpid(), signal.SIGINT)
        return written


def golden_files() -> dict[str, str]:
    """Return the text of each file."""
    return {"cli_help.txt": _help(), "cli_output.txt": _output()}


def _help() -> str:
    commands = [("",), *((*path, "--help") for path in _paths(typer.main.get_command(collect.cli)))]
    folder = Path.cwd()
    return "\n".join(_run(Command(" ".join(words).strip()), folder) for words in commands)


def _paths(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield the words that lead to ``command`` and to each command beneath it."""
    yield path
    for name, beneath in sorted(getattr(command, "commands", {}).items()):
        yield from _paths(beneath, *path, name)


def _output() -> str:
    database = Path("ledger.db").resolve()
    collect.migrate(f"sqlite+aiosqlite:///{database}")
    _fill(database)
    written = []
    for number, command in enumerate(COMMANDS):
        folder = Path(f"{number}").resolve()
        folder.mkdir()
        shutil.copy(database, folder)
        shutil.copy(database, folder / "backup.db")
        written.append(_run(command, folder))
    return "\n".join(written)


def _fill(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, rows in json.loads(LEDGER.read_text(encoding="utf-8")).items():
            for row in rows:
                names, places = ", ".join(row), ", ".join("?" * len(row))
                statement = f'INSERT INTO "{table}" ({names}) VALUES ({places})'
                connection.execute(statement, [_stored(name, row[name]) for name in row])


def _stored(name: str, value: Any) -> Any:
    if name == "body":
        return value.encode()
    return value if isinstance(value, str | int) else json.dumps(value, separators=(",", ":"))


def _run(command: Command, folder: Path) -> str:
    """Return the command as it is typed, what it prints, and its exit code."""
    output = _Terminal() if command.terminal else _Interrupted()
    errors = _Interrupted()
    environ = {"DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.db", **command.environ}
    words = [word.replace("FOLDER", str(folder)) for word in command.words]
    code: object = None
    with (
        _COMMANDS_ONCE,
        mock.patch.dict(os.environ, environ),
        mock.patch.object(sys, "argv", ["backend", *words]),
        mock.patch.object(sys.modules["__main__"], "__package__", None),  # as an installed script
        mock.patch.object(sys, "stdin", io.StringIO(command.answer)),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            collect.main()
        except SystemExit as end:
            code = end.code
    printed = _indented("", output.getvalue()) + _indented("stderr: ", errors.getvalue())
    return _normalised(f"$ {command}\n{printed}exit code {code}\n", folder)


def _indented(prefix: str, text: str) -> str:
    lines = _BOLD.sub("", text).splitlines()
    return "".join(f"{prefix}{line}".rstrip(" ") + "\n" for line in lines)


def _normalised(text: str, folder: Path) -> str:
    """Return ``text`` without what differs between two runs: keys, paths, ports, times."""
    for key in _KEY.finditer(text):
        text = text.replace(key[0], "<key>").replace(key[1], "<prefix>")
    text = text.replace(str(folder), "FOLDER").replace(f"{collect.VERSION}\n", "<version>\n")
    return _SECONDS.sub("<time>", _PORT.sub(r"\1:<port>", text))
