"""The command line on a database that a service is using."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import attrs
import typer

from entrypoints.cli.app import main
from tests.warm_processes import popen

LIMIT_SECONDS = 60

COMMANDS_ONCE = mock.patch("typer.main.get_command", functools.cache(typer.main.get_command))
"""Typer otherwise makes every command anew for each that runs, which takes 0.1 s of CPU."""


@attrs.frozen
class Result:
    """How a command went."""

    code: int
    output: str
    errors: str

    @property
    def sentence(self) -> str:
        """The one line that says what went wrong; nothing else was printed."""
        assert self.output == ""
        assert self.errors.count("\n") == 1, self.errors
        return self.errors.strip()


@attrs.frozen
class Backend:
    """``backend``, run in ``folder`` with ``environ`` and nothing else of this process's."""

    environ: Mapping[str, str]
    folder: Path

    def with_environ(self, **changes: str) -> Backend:
        return attrs.evolve(self, environ={**self.environ, **changes})

    def __call__(self, *arguments: str | bytes) -> Result:
        """Run a command in this process, which spares each test a second of imports."""
        argv = ["backend", *map(os.fsdecode, arguments)]
        output, errors = io.StringIO(), io.StringIO()
        code: object = None
        with (
            COMMANDS_ONCE,
            mock.patch.dict(os.environ, self.environ, clear=True),
            mock.patch.object(sys, "argv", argv),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code
        assert isinstance(code, int)
        return Result(code, output.getvalue(), errors.getvalue())

    def start(self, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return popen(
            "entrypoints.cli", arguments, self.folder, self.environ,
            stdout=stdout, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def process(self, *arguments: str) -> Result:
        """Run a command in a process of its own."""
        with self.start(*arguments) as process:
            output, errors = process.communicate(timeout=LIMIT_SECONDS)
        return Result(process.returncode, output, errors)

    def lines(self, *arguments: str) -> list[str]:
        """What a command prints that succeeds."""
        result = self(*arguments)
        assert (result.code, result.errors) == (0, "")
        return result.output.splitlines()

    def eventually(self, part: str, *arguments: str) -> list[str]:
        """What a command prints once ``part`` is in it."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while part not in "\n".join(lines := self.lines(*arguments)):
            assert time.monotonic() < deadline, lines
            time.sleep(0.05)
        return lines

    @contextmanager
    def tail(self) -> Iterator[Iterator[list[str]]]:
        """The lines of ``calls tail``, split into columns; Ctrl-C ends it."""
        with self.start("calls", "tail") as process:
            assert process.stderr is not None
            assert process.stdout is not None
            try:
                assert "Ctrl-C" in process.stderr.readline()
                yield (line.removesuffix("\n").split("\t") for line in process.stdout)
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=LIMIT_SECONDS)
                assert (process.returncode, errors) == (0, "")
            finally:
                process.kill()
