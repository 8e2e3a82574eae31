"""What a cycle of the reconciler costs with so many open rooms.

Each room has a caller, and the ledger (SQLite) has their calls and sessions, but was not told that
the agents joined; it goes on until three cycles have had nothing to put right. API time is what
passes while a request to the LiveKit simulator (another process) is under way.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs
from dependency_injector import providers

from adapters.livekit.rooms import LiveKitRooms
from domain.rooms.room import Participant, Room
from domain.shared.identifiers import RoomName
from domain.shared.timeline import Source
from entrypoints.container import Container, running
from entrypoints.settings import load_settings
from tests.benchmarks.report import Report
from tests.simulator import SimulatorProcess, running_simulator

SIZES: Final = (100, 1_000, 10_000)
QUIET_CYCLES: Final = 3


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

    async def remove_participant(self, room_name: RoomName, identity: str) -> None:
        await self.rooms.remove_participant(room_name, identity)

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
    serve = container.assign_agent()
    limit = asyncio.Semaphore(32)

    async def one(room: Room) -> None:
        async with limit:
            for who in await container.rooms().participants(room):
                if who.leg is not None:
                    await serve(
                        who.leg,
                        lambda known: known.seen(None, now, Source.WEBHOOK),
                        now,
                        datetime.now(UTC),
                    )

    await asyncio.gather(*(one(room) for room in await container.rooms().all()))


async def cycles(
    report: Report, simulator: SimulatorProcess, folder: Path, open_rooms: int
) -> None:
    """A row for the dearest cycle that put something right, and one for those that did not."""
    environ = {
        **simulator.environ,
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/{open_rooms}.db",
        "TELEPHONY_ENABLED": "true",
    }
    container = Container(settings=load_settings(environ, folder))
    async with running(container):
        await fill(container)
        timed = TimedRooms(container.rooms())
        container.rooms.override(providers.Object(timed))
        container.reconcile.reset()
        reconcile = container.reconcile()
        busy, quiet = list[Cycle](), list[Cycle]()
        while len(quiet) < QUIET_CYCLES:
            timed.requests.clear()
            timed.seconds = 0.0
            began = time.perf_counter()
            done = await reconcile()
            cycle = Cycle(timed.seconds, time.perf_counter() - began, dict(timed.requests))
            (busy if done.repairs else quiet).append(cycle)
    for what, found in (("many repairs", busy), ("no repairs", quiet)):
        dearest = max(found, key=lambda cycle: cycle.api_seconds)
        asked = ", ".join(f"{count} {name}" for name, count in dearest.requests.items())
        report.row(
            [
                f"{open_rooms:,}", what, asked,
                f"{dearest.api_seconds:.2f}", f"{dearest.seconds:.2f}",
            ],
            open_rooms=open_rooms, what=what, **attrs.asdict(dearest),
        )  # fmt: skip


@attrs.frozen
class Cycle:
    """What one cycle has cost."""

    api_seconds: float
    seconds: float
    requests: dict[str, int]


def measure(report: Report, folder: Path) -> None:
    """Make the rooms and measure, for each number of rooms on a simulator of its own."""
    heads = ["open rooms", "cycle", "requests", "API time, s", "whole cycle, s"]
    report.section("Reconciler", heads, "The dearest cycle of each kind.")
    for size in SIZES:
        with running_simulator() as simulator:
            simulator.register_worker("shreya-obnox")
            simulator.make_rooms(rooms(size))
            asyncio.run(cycles(report, simulator, folder, size))
