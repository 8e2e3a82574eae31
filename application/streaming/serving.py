"""Listeners are given what is new, one after another."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Final

import attrs

from application.streaming.cohort import Cohort
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
        """Serve a listener with each step; to find that there is nothing for a cohort is one."""
        for cohort in self.listeners.cohorts():
            if not self._has_news(cohort):
                yield
                continue
            for listener in cohort:
                self._serve(listener)
                yield

    def _has_news(self, cohort: Cohort) -> bool:
        """Return whether there may be something for those who wait; let them pass over the rest."""
        ring, quiet = self.ring, cohort.quiet
        if quiet.end >= ring.floor and not ring.holds(cohort.wanted, quiet.end):
            quiet.end = ring.position
            return False
        quiet.begin(ring.position)  # all are served up to there, or look by themselves
        return True

    def _serve(self, listener: Listener) -> None:
        """Give a listener what is new in the ring, or wake it for what is not there."""
        ring = self.ring
        if not listener.is_waiting:
            return  # it looks again by itself
        if listener.position >= ring.floor:
            text, position = ring.chunk(listener.wanted, listener.position)
            if len(text) <= _GIVEN_BYTES:
                listener.position = position
                if text:
                    listener.give(text)
        if listener.position < ring.position:
            listener.wake()
