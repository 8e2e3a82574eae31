"""The newest events of the outbox, encoded once for all who listen."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import attrs

from domain.events.domain_event import StoredEvent
from domain.events.event_filter import EventFilter

MOST_FRAMES: Final = 4000
MOST_BYTES: Final = 16 * 1024 * 1024
CHUNK_BYTES: Final = 256 * 1024
"""The most that is sent to a listener at a time, but for a single event."""
MOST_CHUNK_BYTES: Final = 8 * 1024 * 1024
"""Of chunks that are kept for other listeners: those who come back are all at other places."""


@attrs.frozen
class Frame:
    """An event, and its bytes in the stream."""

    event: StoredEvent
    text: bytes


@attrs.define
class FrameRing:
    """Holds the events behind position ``floor`` up to ``position``; the oldest make way.

    ``chunk_bytes`` is the size of the chunks that are kept.
    """

    encode: Callable[[StoredEvent], bytes]
    position: int = 0
    floor: int = 0
    _frames: list[Frame] = attrs.field(factory=list, init=False)
    chunk_bytes: int = attrs.field(default=0, init=False)
    _bytes: int = attrs.field(default=0, init=False)
    _chunks: dict[tuple[EventFilter, int], tuple[bytes, int]] = attrs.field(
        factory=dict, init=False
    )

    def begin(self, position: int) -> None:
        """Hold nothing; what comes next is behind ``position``."""
        self.position = self.floor = position
        self._frames.clear()
        self._forget_chunks()
        self._bytes = 0

    def add(self, events: Sequence[StoredEvent]) -> None:
        """Add events behind those that are held."""
        frames = [Frame(event, self.encode(event)) for event in events]
        self._frames += frames
        self._bytes += sum(len(frame.text) for frame in frames)
        self.position = events[-1].position
        self._forget_chunks()
        drop = max(0, len(self._frames) - MOST_FRAMES)
        size = self._bytes - sum(len(frame.text) for frame in self._frames[:drop])
        while size > MOST_BYTES:
            size -= len(self._frames[drop].text)
            drop += 1
        self._drop(drop)

    def drop_before(self, known_at: datetime) -> None:
        """Hold no event that became known before then, nor those that came before it."""
        frames = enumerate(self._frames, 1)
        self._drop(max((n for n, frame in frames if frame.event.known_at < known_at), default=0))

    def _drop(self, number: int) -> None:
        """Drop the oldest events."""
        if number:
            self.floor = self._frames[number - 1].event.position
            self._bytes -= sum(len(frame.text) for frame in self._frames[:number])
            del self._frames[:number]
            self._forget_chunks()

    def holds(self, wanted: EventFilter, after: int) -> bool:
        """Return whether there is something of what is wanted behind ``after``."""
        new = itertools.takewhile(lambda f: f.event.position > after, reversed(self._frames))
        return any(wanted.matches(frame.event) for frame in new)

    def chunk(self, wanted: EventFilter, after: int) -> tuple[bytes, int]:
        """Return the bytes of what is wanted behind ``after``, and the position that they reach.

        Listeners that want the same at the same place get the same bytes object.
        """
        key = wanted, after
        found = self._chunks.get(key)
        if found is None:
            first = bisect_right(self._frames, after, key=lambda frame: frame.event.position)
            found = self._chunks[key] = joined(self._frames[first:], wanted, self.position)
            self.chunk_bytes += len(found[0])
            while self.chunk_bytes > MOST_CHUNK_BYTES:
                oldest, _ = self._chunks.pop(next(iter(self._chunks)))
                self.chunk_bytes -= len(oldest)
        return found

    def _forget_chunks(self) -> None:
        self._chunks.clear()
        self.chunk_bytes = 0


def joined(frames: Iterable[Frame], wanted: EventFilter, end: int) -> tuple[bytes, int]:
    """Return the bytes of the wanted frames, up to ``CHUNK_BYTES``, and the position they reach."""
    texts: list[bytes] = []
    size = 0
    for frame in frames:
        if not wanted.matches(frame.event):
            continue
        if size and size + len(frame.text) > CHUNK_BYTES:
            return b"".join(texts), frame.event.position - 1
        texts.append(frame.text)
        size += len(frame.text)
    return b"".join(texts), end
