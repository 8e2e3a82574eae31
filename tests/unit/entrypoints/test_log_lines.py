"""Lines reach the stream in their order: soon, few writes for many, and a warning at once."""

from __future__ import annotations

import asyncio
import select
from io import RawIOBase
from typing import Any

import pytest

from entrypoints.logging.lines import Event, LogLines


class Stream(RawIOBase):
    """Keeps each write; takes ``most`` bytes of it, or nothing while it is ``full``."""

    most, full = 1 << 20, False

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.full:
            raise OSError("no space left on device")
        self.writes.append(bytes(data[: self.most]))
        return len(self.writes[-1])

    @property
    def lines(self) -> list[str]:
        return b"".join(self.writes).decode().splitlines()


def render(event: Event, at: float) -> bytes:
    assert at > 1.7e9
    return str(event["event"]).encode()


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def lines(stream: Stream) -> LogLines:
    return LogLines(stream, render)  # type: ignore[arg-type] # raw, as stderr's is


async def test_a_line_after_a_quiet_moment_is_written_at_once(
    stream: Stream, lines: LogLines
) -> None:
    lines.info({"event": "one"})

    assert stream.lines == ["one"]


async def test_lines_close_upon_each_other_are_written_together_in_a_moment(
    stream: Stream, lines: LogLines
) -> None:
    lines.info({"event": "first"})

    for number in range(100):
        lines.info({"event": str(number)})
    written = list(stream.lines)
    await asyncio.sleep(0.2)

    assert written == ["first"]
    assert stream.lines == ["first", *map(str, range(100))]
    assert len(stream.writes) == 2


async def test_a_moment_later_the_next_burst_is_written_too(
    stream: Stream, lines: LogLines
) -> None:
    for burst in "abc":
        lines.info({"event": f"{burst}1"})
        lines.info({"event": f"{burst}2"})
        await asyncio.sleep(0.2)

    assert stream.lines == ["a1", "a2", "b1", "b2", "c1", "c2"]


@pytest.mark.parametrize("level", ["warning", "error", "critical", "exception"])
async def test_a_warning_is_written_at_once_after_what_waited(
    stream: Stream, lines: LogLines, level: str
) -> None:
    lines.info({"event": "first"})
    lines.debug({"event": "waits"})

    getattr(lines, level)({"event": "warns"})

    assert stream.lines == ["first", "waits", "warns"]


def test_where_no_loop_runs_each_is_written_at_once(stream: Stream, lines: LogLines) -> None:
    for number in range(3):
        lines.info({"event": str(number)})

    assert stream.lines == ["0", "1", "2"]


async def test_from_its_end_on_each_is_written_at_once(stream: Stream, lines: LogLines) -> None:
    lines.info({"event": "first"})
    lines.info({"event": "waits"})

    lines.close()
    lines.info({"event": "stopped"})

    assert stream.lines == ["first", "waits", "stopped"]


async def test_what_waited_in_a_loop_that_ended_is_not_waited_for_again(
    stream: Stream, lines: LogLines
) -> None:
    lines.info({"event": "first"})

    await asyncio.to_thread(asyncio.run, _inform(lines, "of another loop"))
    await asyncio.sleep(0.2)
    lines.info({"event": "later"})

    assert stream.lines == ["first", "of another loop", "later"]


async def _inform(lines: LogLines, event: str) -> None:
    lines.info({"event": event})


async def test_no_write_is_longer_than_a_pipe_takes_whole_but_for_a_longer_line(
    stream: Stream, lines: LogLines
) -> None:
    lines.info({"event": "first"})
    told = ["x" * 300] * 40 + ["y" * 10_000] + ["z" * 300] * 40

    for text in told:
        lines.info({"event": text})
    lines.flush()

    assert stream.lines[1:] == told
    longest = [write for write in stream.writes if len(write) > select.PIPE_BUF]
    assert longest == [b"y" * 10_000 + b"\n"]
    assert len(stream.writes) < 12


async def test_a_stream_that_takes_a_part_gets_the_rest(stream: Stream, lines: LogLines) -> None:
    stream.most = 7

    lines.warning({"event": "more than seven bytes"})

    assert stream.lines == ["more than seven bytes"]


async def test_what_cannot_be_written_is_lost_and_what_comes_later_is_not(
    stream: Stream, lines: LogLines
) -> None:
    stream.full = True
    lines.warning({"event": "lost"})
    stream.full = False
    lines.warning({"event": "told"})

    assert stream.lines == ["told"]
