"""Those who listen to a stream, in processes of their own."""

from __future__ import annotations

import json
import multiprocessing
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

MEASURING: Final = 20
OPENING_SECONDS: Final = 2.0
COUNTING_SECONDS: Final = 1.0
WAITING_BYTES: Final = 1 << 20


@attrs.frozen
class Heard:
    """How many events were heard in all, and how late each was for those who measure."""

    events: int
    delays: list[float]


@contextmanager
def listening(url: str, requests: Sequence[bytes]) -> Iterator[Callable[[], Heard]]:
    """Have a listener for each request while the block runs; return what counts what they heard.

    Who measures has a process of its own, so that it does not wait for the others' bytes.
    """
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pipes = []
        for some, measures in ((requests[:MEASURING], True), (requests[MEASURING:], False)):
            pipe, theirs = context.Pipe()
            process = context.Process(
                target=_listen,
                args=(url, some, theirs),
                kwargs={"measures": measures},
                daemon=True,
            )
            process.start()
            stack.callback(process.join)
            stack.callback(pipe.close)
            theirs.close()
            pipes.append(pipe)
        for pipe in pipes:
            pipe.recv()

        def heard() -> Heard:
            for pipe in pipes:
                pipe.send(None)
            found: list[Heard] = [pipe.recv() for pipe in pipes]
            delays = sorted(delay for each in found for delay in each.delays)
            return Heard(sum(each.events for each in found), delays)

        yield heard


def _listen(url: str, requests: Sequence[bytes], pipe: Connection, *, measures: bool) -> None:
    """Listen in a process of its own until ``pipe`` is closed; report what was heard when asked."""
    address, began, ears = urlsplit(url), time.monotonic(), list[socket.socket]()
    for number, request in enumerate(requests):  # those of both processes alternate
        time.sleep(max(0.0, began + OPENING_SECONDS * number / len(requests) - time.monotonic()))
        ear = socket.socket()
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING_BYTES)
        ear.connect((address.hostname or "", address.port or 80))
        ear.sendall(request)
        ear.settimeout(0)
        ears.append(ear)
    pipe.send(None)
    if measures:
        _measure(ears, pipe)
    else:
        _count(ears, pipe)


def _measure(ears: list[socket.socket], pipe: Connection) -> None:
    waiting = selectors.DefaultSelector()
    waiting.register(pipe, selectors.EVENT_READ)
    for ear in ears:
        waiting.register(ear, selectors.EVENT_READ, [b""])
    events, delays, room = 0, list[float](), bytearray(1 << 20)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is pipe:
                if not _tell(pipe, Heard(events, delays)):
                    return
                continue
            size = key.fileobj.recv_into(room)  # type: ignore[union-attr]
            *lines, key.data[0] = (key.data[0] + room[:size]).split(b"\n")
            late = [time.time() - _known_at(line) for line in lines if line.startswith(b"data: ")]
            events += len(late)
            delays += late


def _count(ears: list[socket.socket], pipe: Connection) -> None:
    """Count what has come, now and then: clients elsewhere take none of the service's time."""
    events, room = 0, bytearray(1 << 20)
    few = [ears[start : start + 20] for start in range(0, len(ears), 20)] or [[]]
    while True:
        for some in few:
            asked = pipe.poll(COUNTING_SECONDS / len(few))
            for ear in some:
                with suppress(BlockingIOError):
                    events += room.count(b"\ndata: ", 0, ear.recv_into(room))
            if asked and not _tell(pipe, Heard(events, [])):
                return


def _tell(pipe: Connection, heard: Heard) -> bool:
    try:
        pipe.recv()
    except EOFError:
        return False
    pipe.send(heard)
    return True


def _known_at(line: bytes) -> float:
    event: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return datetime.fromisoformat(event["createdAt"]).timestamp()
