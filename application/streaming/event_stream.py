"""Read the outbox once for all listeners of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import attrs
import structlog

from application.streaming.frame_ring import FrameRing
from application.streaming.listener import Listener
from application.streaming.listeners import Listeners
from application.streaming.serving import Serving
from application.streaming.serving_pace import SECONDS_EACH
from application.streaming.stored_events import PAGE, StoredEvents
from application.telemetry import Telemetry
from application.workers.event_signal import EventSignal
from domain.access.access import Access
from domain.events.domain_event import StoredEvent
from domain.events.event_filter import EventFilter
from domain.events.outbox import Outbox
from domain.shared.clock import Clock
from domain.shared.errors import DomainError

log = structlog.get_logger()

POLL: Final = timedelta(milliseconds=200)
"""After which other processes' events are looked for."""
READ_EVERY: Final = timedelta(milliseconds=20)
"""How often the outbox is read at most, for as many listeners as take longer than that."""
RECHECK_SECONDS: Final = 4.0
KEPT_FOR: Final = timedelta(minutes=10)
"""How long an event is sent from memory, although it may have been erased."""
RESET: Final = b"event: reset\ndata: {}\n\n"


@attrs.define(kw_only=True)
class EventStream:
    """Streams events to listeners; :meth:`run` reads them while there is a listener.

    ``encode`` returns an event's bytes. A listener that was away for too long gets a reset: it has
    missed events.
    """

    outbox: Outbox
    signal: EventSignal
    authenticate: Callable[[str], Awaitable[Access]]
    encode: Callable[[StoredEvent], bytes]
    telemetry: Telemetry
    clock: Clock
    _listeners: Listeners = attrs.field(init=False)
    _someone: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _ring: FrameRing = attrs.field(init=False)
    _stored: StoredEvents = attrs.field(init=False)
    _serving: Serving = attrs.field(init=False)
    _is_live: bool = attrs.field(default=False, init=False)
    _news: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    @_listeners.default
    def _new_listeners(self) -> Listeners:
        return Listeners(self.telemetry.stream_listeners)

    @_ring.default
    def _new_ring(self) -> FrameRing:
        return FrameRing(self.encode)

    @_serving.default
    def _new_serving(self) -> Serving:
        return Serving(ring=self._ring, listeners=self._listeners, clock=self.clock)

    @_stored.default
    def _of_outbox(self) -> StoredEvents:
        return StoredEvents(self.outbox, self.encode)

    async def listen(
        self,
        wanted: EventFilter,
        last_id: str | None,
        *,
        key: str,
        client: str,
        follows: bool = True,
    ) -> Listener:
        """Return a new listener behind the event ``last_id``, or behind all that is stored.

        One that does not follow gets what is stored behind that event, or all of it.

        Raises ``TooManyStreams`` (of the client), ``NoRoomForStream`` (of the process) or
        ``StorageUnavailable``.
        """
        self._listeners.check_room(client)
        position = await self._stored.position_of(wanted, last_id) if last_id else None
        must_reset = bool(last_id) and position is None
        if position is None and not follows:
            position = 0
        elif position is None:
            position = self._ring.position if self._is_live else await self.outbox.last_position()
        self._listeners.check_room(client)
        listener = Listener(wanted, key, client, position, must_reset, follows)
        self._listeners.add(listener)
        self._someone.set()
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        self._listeners.remove(listener)

    async def next(self, listener: Listener) -> bytes:
        """Return what is to be sent to the listener, once there is anything; nothing at its end."""
        while listener.closing is None:
            text = await self._ready(listener) + listener.take_hint()
            if not text and listener.follows:
                text = await listener.wait()
            if text or not listener.follows:
                return text
        return b""

    async def run(self) -> None:
        """Read until cancelled."""
        others = (
            _again(self._serve_all, "events are not sent"),
            _again(self._beat, "no heartbeats are sent"),
            _again(self._check, "streams are not checked"),
        )
        tasks = [asyncio.create_task(each) for each in others]
        try:
            await _again(self._read, "events are not read")
        finally:
            for task in tasks:
                task.cancel()
            self.stop()

    def stop(self) -> None:
        """End every stream; there will be no other."""
        self._listeners.stop()

    async def _ready(self, listener: Listener) -> bytes:
        """Return what to send now; nothing if the listener has to wait."""
        if listener.must_reset:
            listener.must_reset = False
            return RESET
        if not listener.follows:
            return await self._read_for(listener, None)
        ring = self._ring
        if self._is_live and listener.position < ring.floor:
            text = await self._read_for(listener, ring.floor)
            if text:
                return text
        if self._is_live and ring.floor <= listener.position < ring.position:
            text, listener.position = ring.chunk(listener.wanted, listener.position)
            return text
        return b""

    async def _read_for(self, listener: Listener, up_to: int | None) -> bytes:
        """Read for one listener what the ring does not hold."""
        while listener.closing is None:
            position = listener.position
            text, reached = await self._stored.piece(listener.wanted, position, up_to)
            listener.position = reached
            if text or reached in (position, up_to):
                return text
        return b""

    async def _read(self) -> None:
        """Read what is new, or wait for it."""
        if not self._listeners:
            self._is_live = False
            self._someone.clear()
            await self._someone.wait()
        ring = self._ring
        if not self._is_live:
            ring.begin(await self.outbox.last_position())  # who is behind catches up
            self._is_live = True
            self._news.set()
        count = self.signal.count
        events = await self.outbox.after(ring.position, PAGE)
        if not events:
            await self.signal.wait(count, POLL)
            return
        ring.add(events)
        self.telemetry.stream_lag((self.clock.now() - events[-1].known_at).total_seconds())
        self._news.set()
        if len(events) < PAGE:
            turn = SECONDS_EACH * len(self._listeners)
            await asyncio.sleep(min(turn, READ_EVERY.total_seconds()) * self._serving.pace.slowness)

    async def _serve_all(self) -> None:
        """Wait for news, and serve all."""
        await self._news.wait()
        self._news.clear()
        await self._serving.turn()

    async def _beat(self) -> None:
        await asyncio.sleep(1)
        self._listeners.beat(asyncio.get_running_loop().time())

    async def _check(self) -> None:
        await asyncio.sleep(RECHECK_SECONDS)
        self._ring.drop_before(self.clock.now() - KEPT_FOR)
        await self._listeners.check_keys(self.authenticate)
        await self._check_restored()

    async def _check_restored(self) -> None:
        """Begin again where the ledger is another one, which ends before what was read."""
        position = self._ring.position  # before the look-up, during which it may grow
        if self._is_live and await self.outbox.highest_position() < position:
            last = await self.outbox.last_position()
            self._ring.begin(last)
            self._listeners.begin(last)
            self._news.set()


async def _again(step: Callable[[], Awaitable[None]], failing: str) -> None:
    """Call ``step`` over and over; log ``failing`` if it fails."""
    while True:
        try:
            await step()
        except DomainError as error:
            log.warning(failing, reason=str(error))
            await asyncio.sleep(1)
        except Exception:
            log.exception(failing)
            await asyncio.sleep(1)
