"""Read the outbox once for all listeners of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import attrs
import structlog

from application.streaming.frame_ring import FrameRing
from application.streaming.listener import Closing, Listener
from application.streaming.listeners import Listeners
from application.streaming.stored_events import PAGE, StoredEvents
from application.telemetry import Telemetry
from application.workers.event_signal import EventSignal
from domain.access.access import Access
from domain.events.domain_event import StoredEvent
from domain.events.event_filter import EventFilter
from domain.events.outbox import Outbox
from domain.shared.clock import Clock
from domain.shared.errors import DomainError, Unauthenticated

log = structlog.get_logger()

POLL: Final = timedelta(milliseconds=200)
"""After which other processes' events are looked for."""
SECONDS_EACH: Final = 0.00005
"""For each listener, from one look to the next at least, so that what comes meanwhile is sent at
once: each piece that is sent takes time of requests."""
_REST: Final = 0.25
"""The part of that time which is left to requests, however long the listeners took."""
HEARTBEAT_SECONDS: Final = 15.0
SLOW_SECONDS: Final = 15.0
"""How long a client may take what was sent to it, before it is dropped."""
RECHECK_SECONDS: Final = 4.0
KEPT_FOR: Final = timedelta(minutes=10)
"""How long an event is sent from memory, although it may have been erased."""
_TOGETHER: Final = 32
"""Listeners that are served before other tasks have their turn."""
_GIVEN_BYTES: Final = 64 * 1024
"""More than that a listener's own task sends, which may have to wait for its turn."""
HEARTBEAT: Final = b": \n\n"
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
    _is_live: bool = attrs.field(default=False, init=False)

    @_listeners.default
    def _nobody(self) -> Listeners:
        return Listeners(self.telemetry.stream_listeners)

    @_ring.default
    def _new_ring(self) -> FrameRing:
        return FrameRing(self.encode)

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
            text = await self._ready(listener)
            if not text and listener.follows:
                text = await listener.wait()
            if text or not listener.follows:
                return text
        return b""

    async def run(self) -> None:
        """Read until cancelled."""
        keeping = asyncio.create_task(self._keep())
        try:
            while True:
                try:
                    await self._read()
                except DomainError as error:
                    log.warning("events are not read", reason=str(error))
                    await asyncio.sleep(1)
                except Exception:
                    log.exception("events are not read")
                    await asyncio.sleep(1)
        finally:
            keeping.cancel()
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
            await self._serve_all()
        count = self.signal.count
        events = await self.outbox.after(ring.position, PAGE)
        if not events:
            await self.signal.wait(count, POLL)
            return
        loop = asyncio.get_running_loop()
        began, together = loop.time(), SECONDS_EACH * len(self._listeners)
        ring.add(events)
        self.telemetry.stream_lag((self.clock.now() - events[-1].known_at).total_seconds())
        await self._serve_all()
        await asyncio.sleep(max(began + together - loop.time(), _REST * together))

    async def _serve_all(self) -> None:
        for number, listener in enumerate(self._listeners, 1):
            self._serve(listener)
            if number % _TOGETHER == 0:
                await asyncio.sleep(0)

    def _serve(self, listener: Listener) -> None:
        """Give a listener what is new in the ring, or wake it for what is not there."""
        ring = self._ring
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

    async def _keep(self) -> None:
        """Send heartbeats, drop who does not read, and end the streams of revoked keys."""
        loop, checked_at = asyncio.get_running_loop(), 0.0
        while True:
            await asyncio.sleep(1)
            now = loop.time()
            for listener in self._listeners:
                since = listener.sending_since
                if since is not None and now - since >= SLOW_SECONDS:
                    listener.drop()
                elif now - listener.sent_at >= HEARTBEAT_SECONDS:
                    listener.wake(HEARTBEAT)
            if now - checked_at < RECHECK_SECONDS or not self._listeners:
                continue
            checked_at = now
            self._ring.drop_before(self.clock.now() - KEPT_FOR)
            try:
                await self._check_keys()
                await self._check_restored()
            except DomainError as error:
                log.warning("streams are not checked", reason=str(error))
            except Exception:
                log.exception("streams are not checked")

    async def _check_keys(self) -> None:
        by_key: dict[str, list[Listener]] = {}
        for listener in self._listeners:
            by_key.setdefault(listener.key, []).append(listener)
        for key, listeners in by_key.items():
            try:
                access = await self.authenticate(key)
            except Unauthenticated:
                access = None
            for listener in listeners:
                if listener.wanted.access != access:
                    listener.close(Closing.KEY)

    async def _check_restored(self) -> None:
        """Begin again where the ledger is another one, which ends before what was read."""
        position = self._ring.position  # before the look-up, during which it may grow
        if self._is_live and await self.outbox.highest_position() < position:
            last = await self.outbox.last_position()
            self._ring.begin(last)
            for listener in self._listeners:
                listener.position, listener.must_reset = last, True
            await self._serve_all()
