"""Listeners who want the same."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from application.streaming.listener import Listener, Quiet
from domain.events.event_filter import EventFilter


@attrs.define(eq=False)
class Cohort:
    """Listeners who want the same, and get the same chunks of the ring.

    All share ``quiet``, so that what is nothing for them costs the same however many they are.
    """

    wanted: EventFilter
    quiet: Quiet = attrs.field(factory=Quiet, init=False)
    _listeners: dict[int, Listener] = attrs.field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._listeners)

    def __iter__(self) -> Iterator[Listener]:
        """Go over those who are in it now; some may leave meanwhile."""
        return iter(list(self._listeners.values()))

    def add(self, listener: Listener) -> None:
        """Add a listener who wants this."""
        # One filter for all of them is found sooner among the ring's chunks.
        listener.wanted, listener.quiet = self.wanted, self.quiet
        self._listeners[id(listener)] = listener

    def remove(self, listener: Listener) -> bool:
        """Forget a listener; return whether it was in it."""
        return self._listeners.pop(id(listener), None) is not None
