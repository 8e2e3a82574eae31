"""Those who listen to this process, of whom there may be so many."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import attrs

from application.streaming.cohort import Cohort
from application.streaming.listener import Closing, Listener
from domain.access.access import Access
from domain.events.event_filter import EventFilter
from domain.shared.errors import Unauthenticated
from domain.shared.event_errors import NoRoomForStream, TooManyStreams

MOST: Final = 2000
"""Listeners of one process."""
MOST_OF_ONE: Final = 1000
"""Listeners of one tenant, or of one address without keys."""
HEARTBEAT: Final = b": \n\n"
HEARTBEAT_SECONDS: Final = 15.0
SLOW_SECONDS: Final = 15.0
"""How long a client may take what was sent to it, before it is dropped."""


@attrs.define
class Listeners:
    """Knows who listens; ``count`` is called with their number when it changes."""

    count: Callable[[int], None]
    _cohorts: dict[EventFilter, Cohort] = attrs.field(factory=dict, init=False)
    _number: int = attrs.field(default=0, init=False)
    _is_stopping: bool = attrs.field(default=False, init=False)

    def __iter__(self) -> Iterator[Listener]:
        return itertools.chain.from_iterable(self.cohorts())

    def cohorts(self) -> Sequence[Cohort]:
        """Return those who want the same, for each that is wanted."""
        return list(self._cohorts.values())

    def __len__(self) -> int:
        return self._number

    def check_room(self, client: str) -> None:
        """Raise :class:`NoRoomForStream` or :class:`TooManyStreams` if there is none for one."""
        if self._is_stopping or len(self) >= MOST:
            raise NoRoomForStream("This process has no room for another stream; try again.")
        if sum(each.client == client for each in self) >= MOST_OF_ONE:
            raise TooManyStreams(
                f"There are {MOST_OF_ONE} streams of this client already; end one first.",
                retry_after=5,
            )

    def add(self, listener: Listener) -> None:
        """Add a listener for which there is room."""
        wanted = listener.wanted
        self._cohorts.setdefault(wanted, Cohort(wanted)).add(listener)
        self._number += 1
        self.count(len(self))

    def remove(self, listener: Listener) -> None:
        """Forget a listener, if it is known."""
        cohort = self._cohorts.get(listener.wanted)
        if cohort is not None and cohort.remove(listener):
            self._number -= 1
            if not cohort:
                del self._cohorts[listener.wanted]
            self.count(len(self))

    def beat(self, now: float) -> None:
        """Send heartbeats to those who get nothing else, and drop who does not read."""
        for listener in self:
            since = listener.sending_since
            if since is not None and now - since >= SLOW_SECONDS:
                listener.drop()
            elif now - listener.sent_at >= HEARTBEAT_SECONDS:
                listener.wake(HEARTBEAT)

    async def check_keys(self, authenticate: Callable[[str], Awaitable[Access]]) -> None:
        """End the streams of keys that no longer give the same access."""
        by_key: dict[str, list[Listener]] = {}
        for listener in self:
            by_key.setdefault(listener.key, []).append(listener)
        for key, listeners in by_key.items():
            try:
                access = await authenticate(key)
            except Unauthenticated:
                access = None
            for listener in listeners:
                if listener.wanted.access != access:
                    listener.close(Closing.KEY)

    def begin(self, position: int) -> None:
        """Let each begin again behind ``position``, with a reset."""
        for cohort in self.cohorts():
            cohort.quiet.begin(position)
            for listener in cohort:
                listener.position, listener.must_reset = position, True
                listener.wake()

    def stop(self) -> None:
        """End every stream; there will be no other."""
        self._is_stopping = True
        for listener in self:
            listener.close(Closing.STOPPING)
