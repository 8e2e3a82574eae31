"""Streams that are closed or full, and places that cannot be used: a line, and no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from tests.databases import sqlite_in
from tests.integration.cli.backend import Backend, Result
from tests.service import PROJECT


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """A command line on a ledger that has some keys."""
    folder = tmp_path_factory.mktemp("streams")
    backend = Backend({"DATABASE_URL": sqlite_in(folder)}, folder)
    for number in range(3):
        backend("keys", "create", f"key {number}")
    return backend


def shell(backend: Backend, redirection: str) -> Result:
    """``backend keys list`` by a shell, with ``redirection`` behind it."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m entrypoints.cli keys list {redirection}', sys.executable],
        cwd=backend.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **backend.environ},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr)


def test_given_a_full_disk_for_its_output_then_one_line_says_so(backend: Backend) -> None:
    with open("/dev/full", "wb") as full, backend.start("keys", "list", stdout=full.fileno()) as it:
        _, errors = it.communicate(timeout=20)
    result = Result(it.returncode, "", errors)

    assert result.code == 1
    assert result.sentence == "Standard output cannot be written (No space left on device)."


@pytest.mark.parametrize(
    "closed",
    [
        "<&- >&- 2>&-",
        pytest.param(">&-", marks=pytest.mark.slow),
        pytest.param("2>&-", marks=pytest.mark.slow),
        pytest.param(">&- 2>&-", marks=pytest.mark.slow),
    ],
)
def test_given_closed_streams_then_the_command_does_its_work(backend: Backend, closed: str) -> None:
    result = shell(backend, closed)

    assert (result.code, result.errors) == (0, "")


def test_given_a_reader_that_has_gone_then_nothing_is_said(backend: Backend) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with backend.start("keys", "list", stdout=writer) as process:
        os.close(writer)
        _, errors = process.communicate(timeout=20)

    assert (process.returncode, errors) == (1, "")


def test_given_a_port_in_use_then_the_simulator_says_so_in_a_line(backend: Backend) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = backend.process("simulator", "--port", str(port))

    assert result.code == 1
    assert str(port) in result.sentence
    assert "in use" in result.sentence


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.parametrize("place", [".", "/proc/nowhere/copy.db", "/dev/full", "x" * 5000])
def test_given_a_place_that_holds_no_file_then_one_line_says_so(
    backend: Backend, command: str, place: str
) -> None:
    result = backend(command, place)

    assert result.code == 1
    assert result.sentence
    assert len(result.sentence) < 500


@pytest.mark.parametrize(
    "arguments",
    [
        (b"keys", b"revoke", b"\xff\xfe"),
        (b"calls", b"show", b"\x1b]0;x\x07"),
        (b"calls", b"list", b"--room", b"a\x00b"[:1] + b"\xc3"),
        (b"inbox", b"replay", b"\x9f" * 10_000),
        (b"inbox", b"list", b"--status", b"\xff" * 10_000),
        (b"keys", b"list", b"\x1b[31m" * 10_000),
        (b"\xf0\x28\x8c\x28",),
        (b"--\xff" * 1000,),
    ],
)
def test_given_bytes_that_are_no_text_then_the_answer_is_printable(
    backend: Backend, arguments: tuple[bytes, ...]
) -> None:
    result = backend(*arguments)

    assert result.code in (0, 1, 2)
    assert all(line.isprintable() for line in (result.output + result.errors).splitlines())
    assert len(result.errors) < 500
