"""One listener of the stream."""

from __future__ import annotations

import asyncio
import enum
import math
from collections.abc import Awaitable, Callable, Collection, Generator, Iterator
from typing import Any

import attrs

from application.streaming.hint import hint_frame
from domain.changes.change import Area
from domain.events.event_filter import EventFilter


class Closing(enum.StrEnum):
    """Why a stream ends; its client may connect again and go on where it was."""

    LEFT = "its client has gone"
    STOPPING = "the service stops"
    KEY = "the API key changed"
    SLOW = "it does not read"


@attrs.define
class Quiet:
    """Where there is nothing for some listeners: behind position ``start``, up to ``end``."""

    start: int = -1
    end: int = -1

    def begin(self, position: int) -> None:
        """Know of nothing but what comes behind ``position``."""
        self.start = self.end = position


@attrs.define(eq=False)
class Listener:
    """What a listener wants, and how far it has got.

    Nothing is queued for it: it takes what it wants from the ring, or from the outbox once it is
    too far behind. Without ``follows`` it takes what is stored now. ``send`` sends bytes to its
    client, in ``task`` or for it; ``sending_since`` is when it began to take those being sent.
    """

    wanted: EventFilter
    key: str
    client: str
    _position: int
    must_reset: bool = False
    follows: bool = True
    sent_at: float = -math.inf
    sending_since: float | None = None
    quiet: Quiet = attrs.field(factory=Quiet, init=False)
    closing: Closing | None = attrs.field(default=None, init=False)
    task: asyncio.Task[object] | None = attrs.field(default=None, init=False)
    send: Callable[[bytes], Awaitable[None]] = attrs.field(init=False)
    _changed: set[Area] = attrs.field(factory=set, init=False)
    _waiting: asyncio.Future[bytes] | None = attrs.field(default=None, init=False)
    _begun: Awaitable[None] | None = attrs.field(default=None, init=False)

    @property
    def position(self) -> int:
        """Up to where it has all that it wants."""
        quiet = self.quiet
        return quiet.end if quiet.start <= self._position < quiet.end else self._position

    @position.setter
    def position(self, position: int) -> None:
        self._position = position

    @property
    def is_waiting(self) -> bool:
        """Whether it has nothing to send."""
        return self._waiting is not None and not self._waiting.done()

    async def take(self, text: bytes) -> None:
        """Send ``text``, and return once it is taken."""
        self.sending_since = asyncio.get_running_loop().time()
        await self._taken(self.send(text))

    async def wait(self) -> bytes:
        """Return what it is woken with; at once if it is closed."""
        if self.closing is not None:
            return b""
        self._waiting = asyncio.get_running_loop().create_future()
        text = await self._waiting
        begun, self._begun = self._begun, None
        if begun is not None:
            await self._taken(begun)
        return text

    def wake(self, text: bytes = b"") -> None:
        """Let it send ``text``, if it has nothing else to send, and look again."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(text)

    def hint(self, areas: Collection[Area]) -> None:
        """Let it send soon that something has changed in these areas."""
        self._changed.update(areas)
        self.wake()

    def take_hint(self) -> bytes:
        """Return what it was hinted since it sent the last hint; nothing without any."""
        text = hint_frame(self._changed) if self._changed else b""
        self._changed.clear()
        return text

    def give(self, text: bytes) -> None:
        """Send ``text`` for one that is waiting.

        Its task goes on only if that is not taken at once, since resuming it takes longer than
        sending.
        """
        loop = asyncio.get_running_loop()
        try:
            steps = self.send(text).__await__()
            first = next(steps)
        except StopIteration:
            self.sent_at = loop.time()
        except Exception as error:  # noqa: BLE001 - its task raises it
            if self._waiting is not None:
                self._waiting.set_exception(error)
        else:
            self.sending_since, self._begun = loop.time(), _Rest(first, steps)
            self.wake()

    def close(self, why: Closing) -> None:
        """End its stream."""
        self.closing = self.closing or why
        self.wake()

    def drop(self) -> None:
        """End its stream although what was sent was not taken."""
        self.close(Closing.SLOW)
        if self.task is not None:
            self.task.cancel()

    async def _taken(self, sending: Awaitable[None]) -> None:
        await sending
        self.sending_since, self.sent_at = None, asyncio.get_running_loop().time()


@attrs.frozen
class _Rest:
    """What is left of an awaitable after its first step, for a task to await."""

    first: Any
    steps: Iterator[Any]

    def __await__(self) -> Generator[Any, None, None]:
        yield self.first
        yield from self.steps
