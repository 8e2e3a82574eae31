"""Listeners are given what is new, one after another."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from application.streaming.frame_ring import FrameRing
from application.streaming.listener import Listener
from application.streaming.listeners import Listeners
from application.streaming.serving_pace import ServingPace
from domain.shared.clock import Clock

TOGETHER: Final = 50
"""Listeners that are served at once, before others have their turn."""
_GIVEN_BYTES: Final = 64 * 1024
"""More than that a listener's own task sends, which may have to wait for its turn."""


@attrs.define(kw_only=True)
class Serving:
    """Serves all listeners whom the ring has something for in turn, evenly spread over time.

    Requests would wait for as many as are served at once, here and in the server.
    """

    ring: FrameRing
    listeners: Listeners
    clock: Clock
    pace: ServingPace = attrs.field(factory=ServingPace, init=False)

    async def turn(self) -> None:
        """Serve each of them once."""
        steps = self._steps()
        while done := sum(1 for _ in itertools.islice(steps, TOGETHER)):
            await self._rest(done)

    async def _rest(self, done: int) -> None:
        began = self.clock.monotonic()  # the loop's own time stands still during a lap
        await asyncio.sleep(0)
        lap = self.clock.monotonic() - began
        await asyncio.sleep(self.pace.pause(done, began, lap))

    def _steps(self) -> Iterator[None]:
        """Serve a listener with each step; to find that all who want the same pass over is one."""
        for same in self.listeners.by_filter():
            served = self._with_news(same)
            if not served:
                yield
            for listener in served:
                self._serve(listener)
                yield

    def _with_news(self, same: Sequence[Listener]) -> Sequence[Listener]:
        """Return those of ``same``, who want the same, for whom there may be something.

        The others, who are where the first is, pass over what is nothing for them.
        """
        ring, first = self.ring, same[0]
        after = first.position
        if first.must_reset or after < ring.floor:
            return same
        text, reached = ring.chunk(first.wanted, after)
        if text:
            return same
        others = list[Listener]()
        for listener in same:
            if listener.position == after and listener.is_waiting and not listener.must_reset:
                listener.position = reached
            else:
                others.append(listener)
        return others

    def _serve(self, listener: Listener) -> None:
        """Give a listener what is new in the ring, or wake it for what is not there."""
        ring = self.ring
        if not listener.is_waiting:
            return  # it looks again by itself
        if not listener.must_reset and listener.position >= ring.floor:
            text, position = ring.chunk(listener.wanted, listener.position)
            if len(text) <= _GIVEN_BYTES:
                listener.position = position
                if text:
                    listener.give(text)
        if listener.must_reset or listener.position < ring.position:
            listener.wake()
