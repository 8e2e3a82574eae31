"""Read from the outbox what one listener wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import attrs

from application.streaming.frame_ring import Frame, joined
from domain.events.domain_event import StoredEvent
from domain.events.event_filter import EventFilter
from domain.events.outbox import Outbox
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import EventId

PAGE: Final = 500


@attrs.define
class StoredEvents:
    """Makes pieces of what is stored, a few at a time, and keeps none."""

    outbox: Outbox
    encode: Callable[[StoredEvent], bytes]
    _reading: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(4), init=False)

    async def position_of(self, wanted: EventFilter, last_id: str) -> int | None:
        """Return where the event is; None if it is no longer, or never was, there to be seen."""
        try:
            event = await self.outbox.find(EventId(last_id), wanted.access)
        except InvalidInput:
            return None
        return None if event is None else event.position

    async def piece(
        self, wanted: EventFilter, after: int, up_to: int | None = None
    ) -> tuple[bytes, int]:
        """Return the bytes of what is wanted behind ``after``, and the position that they reach.

        That is ``after`` if nothing is there, or nothing can be read yet.
        """
        async with self._reading:
            events = await self.outbox.after(after, PAGE)
            if not events:
                return b"", after
            end = events[-1].position
            if up_to is not None:
                end = min(end, up_to)
                events = [event for event in events if event.position <= up_to]
            frames = (Frame(event, self.encode(event)) for event in events if wanted.matches(event))
            return joined(frames, wanted, end)
