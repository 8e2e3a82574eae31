"""`make bench-reconciler`: what a cycle of the reconciler costs with 5,000 open rooms.

A measurement, not a test: it asserts nothing. Each room has a caller, and the ledger (SQLite) has
their calls and sessions, but was not told that the agents joined; it goes on until three cycles
have had nothing to put right. API time is what passes while a request to the LiveKit simulator
(another process) is under way.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from dependency_injector import providers

from adapters.livekit.rooms import LiveKitRooms
from domain.call import Source
from domain.identifiers import RoomName
from domain.room import Participant, Room
from entrypoints.container import Container, running
from entrypoints.settings import load_settings
from tests.simulator import SimulatorProcess, running_simulator

ROOMS = 5000
QUIET_CYCLES = 3


@attrs.define
class TimedRooms:
    """LiveKit's rooms; counts requests, and the time while at least one is under way."""

    rooms: LiveKitRooms
    requests: Counter[str] = attrs.field(factory=Counter)
    seconds: float = 0.0
    _under_way: int = 0
    _since: float = 0.0

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self.requests[name] += 1
        if not self._under_way:
            self._since = time.perf_counter()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self.seconds += time.perf_counter() - self._since

    async def all(self) -> list[Room]:
        with self._timed("ListRooms"):
            return await self.rooms.all()

    async def find(self, room_name: RoomName) -> Room | None:
        with self._timed("ListRooms of one"):
            return await self.rooms.find(room_name)

    async def participants(self, room: Room) -> list[Participant]:
        with self._timed("ListParticipants"):
            return await self.rooms.participants(room)

    async def delete(self, room_name: RoomName) -> bool:
        return await self.rooms.delete(room_name)


def rooms(number_of_rooms: int) -> list[dict[str, Any]]:
    """Rooms with a caller each."""
    attributes = {"sip.phoneNumber": "+15105550100", "sip.callStatus": "active"}
    return [
        {
            "name": f"call-{number}",
            "participants": [{"identity": "sip_1", "kind": "SIP", "attributes": attributes}],
        }
        for number in range(number_of_rooms)
    ]


async def fill(container: Container) -> None:
    """Make the ledger know every caller, as their webhooks would have."""
    now = datetime.now(UTC).replace(microsecond=0)
    serve = container.serve_call()
    limit = asyncio.Semaphore(32)

    async def one(room: Room) -> None:
        async with limit:
            for who in await container.rooms().participants(room):
                if who.leg is not None:
                    await serve(
                        who.leg,
                        lambda known: known.seen(None, now, Source.WEBHOOK),
                        datetime.now(UTC),
                    )

    await asyncio.gather(*(one(room) for room in await container.rooms().all()))


async def measure(simulator: SimulatorProcess, folder: Path) -> None:
    """Print a line for each cycle."""
    environ = {
        **simulator.environ,
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.db",
        "TELEPHONY_ENABLED": "true",
    }
    container = Container(settings=load_settings(environ, folder))
    async with running(container):
        await fill(container)
        timed = TimedRooms(container.rooms())
        container.rooms.override(providers.Object(timed))
        container.reconcile.reset()
        reconcile = container.reconcile()
        cycle = quiet = 0
        while quiet < QUIET_CYCLES:
            timed.requests.clear()
            timed.seconds = 0.0
            began = time.perf_counter()
            done = await reconcile()
            whole = time.perf_counter() - began
            cycle += 1
            quiet += not done.repairs
            asked = ", ".join(f"{count} {name}" for name, count in timed.requests.items())
            sys.stdout.write(
                f"cycle {cycle:2}: {done.rooms} rooms, API time {timed.seconds:.2f} s, "
                f"whole cycle {whole:.2f} s ({asked}; repairs: {dict(done.repairs) or 'none'})\n"
            )


def main() -> None:
    """Make the rooms and measure."""
    with tempfile.TemporaryDirectory() as name, running_simulator() as simulator:
        simulator.register_worker("shreya-obnox")
        simulator.make_rooms(rooms(ROOMS))
        asyncio.run(measure(simulator, Path(name)))


if __name__ == "__main__":
    main()
