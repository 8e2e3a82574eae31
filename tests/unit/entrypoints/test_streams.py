"""A log that cannot be written loses lines and stops nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from io import BufferedWriter, RawIOBase
from select import PIPE_BUF
from typing import Any, BinaryIO, cast

import pytest

from entrypoints.logging.streams import LossyStream
from tests.service import PROJECT

LOGS = """
import structlog
from entrypoints.logging.setup import configure_logs
configure_logs()
log = structlog.get_logger()
for number in range(3):
    log.info("a line", number=number)
    log.warning("a warning", number=number)
print("goes on")
"""


class Raw(RawIOBase):
    """Keeps each write; takes ``most`` bytes of it, none while ``is_full``."""

    most: int | None = 1 << 20
    is_full = False

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int | None:
        if self.is_full:
            raise OSError("no space left on device")
        if self.most is None:
            return None
        self.writes.append(bytes(data[: self.most]))
        return len(self.writes[-1])


@pytest.fixture
def raw() -> Raw:
    return Raw()


@pytest.fixture
def stream(raw: Raw) -> LossyStream:
    return LossyStream(cast("BinaryIO", BufferedWriter(raw)))  # as stderr.buffer is


def test_a_line_is_written_at_once_and_whole(raw: Raw, stream: LossyStream) -> None:
    line = b"x" * 10_000 + b"\n"

    assert stream.write(line) == len(line)

    assert raw.writes == [line]  # so that a pipe does not mix it with other processes' lines


async def test_given_a_running_loop_then_its_lines_are_written_together_and_soon(
    raw: Raw, stream: LossyStream
) -> None:
    stream.write(b"one\n")
    await asyncio.to_thread(stream.write, b"of a thread\n")
    stream.write(b"two\n")
    stream.write(b"three\n")
    await asyncio.sleep(0)

    assert raw.writes[-1] == b"two\nthree\n"
    assert b"".join(raw.writes) == b"one\nof a thread\ntwo\nthree\n"


async def test_given_many_lines_then_each_write_stays_whole_in_a_pipe(
    raw: Raw, stream: LossyStream
) -> None:
    lines = [b"%0*d\n" % (length, 0) for length in range(1, PIPE_BUF, 100)]
    for line in lines:
        stream.write(line)
    await asyncio.sleep(0)

    assert b"".join(raw.writes) == b"".join(lines)
    assert len(raw.writes) < len(lines)
    assert all(len(part) <= PIPE_BUF and part.endswith(b"\n") for part in raw.writes)


def test_given_a_loop_that_has_ended_then_its_lines_come_before_those_of_the_next(
    raw: Raw, stream: LossyStream
) -> None:
    ended = asyncio.new_event_loop()
    ended.call_soon(lambda: (stream.write(b"of one loop\n"), ended.stop()))
    ended.run_forever()
    ended.close()

    async def write() -> None:
        stream.write(b"of the next\n")

    asyncio.run(write())

    assert b"".join(raw.writes) == b"of one loop\nof the next\n"


def test_given_a_stream_that_takes_a_part_then_it_gets_the_rest(
    raw: Raw, stream: LossyStream
) -> None:
    raw.most = 7

    stream.write(b"more than seven bytes\n")

    assert b"".join(raw.writes) == b"more than seven bytes\n"


def test_given_a_full_disk_then_the_line_is_lost_and_later_ones_are_written(
    raw: Raw, stream: LossyStream
) -> None:
    raw.is_full = True
    assert stream.write(b"lost\n") == 5
    raw.is_full = False

    stream.write(b"written\n")

    assert raw.writes == [b"written\n"]


def test_given_a_full_pipe_that_does_not_block_then_the_line_is_lost(
    raw: Raw, stream: LossyStream
) -> None:
    raw.most = None

    assert stream.write(b"lost\n") == 5

    assert raw.writes == []


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2> >(exec true)"], ids=["full disk", "pipe"])
def test_given_a_log_that_nothing_reads_or_keeps_then_the_program_goes_on(stderr: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f'exec "$0" -c "$1" {stderr}', sys.executable, LOGS],
        cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "goes on\n")
