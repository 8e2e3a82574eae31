"""What a cycle of the reconciler does to the process with very many live sessions.

Each has a prompt of :data:`PROMPT` and an agent and a user in its room; nothing is to be put right.
The LiveKit simulator is another process. The longest hold is what the event loop's thread computed
before another task had its turn: processor time, so that what else runs on the machine counts less.
"""

from __future__ import annotations

import asyncio
import gc
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Self

import attrs
import psutil
from sqlalchemy import Connection, insert

from adapters.sqlalchemy.sessions.table import sessions
from entrypoints.container import Container, running
from entrypoints.settings import load_settings
from tests.benchmarks.report import Report
from tests.simulator import running_simulator

SESSIONS: Final = 50_000
CYCLES: Final = 5
PROMPT: Final = "x" * 20_000
MIB: Final = 1024 * 1024
AT_ONCE: Final = 500


@attrs.define
class Watch:
    """Notes the loop's longest hold and the process's greatest memory while it is open."""

    hold: float = 0.0
    resident: int = 0
    _process: psutil.Process = attrs.field(factory=psutil.Process)
    _since: float = 0.0
    _timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self.hold, self.resident, self._since = 0.0, 0, time.thread_time()
        self._tick()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self.hold = max(self.hold, time.thread_time() - self._since)
        self.resident = max(self.resident, self._process.memory_info().rss)
        self._timer = asyncio.get_running_loop().call_later(0.002, self._tick)
        self._since = time.thread_time()


def measure(report: Report, folder: Path) -> None:
    """Fill a ledger (SQLite) and the simulator, and go round."""
    heads = ["cycle", "seconds", "longest hold, ms", "memory beyond the start, MiB"]
    report.section(f"{SESSIONS:,} live sessions", heads, "Each of the reconciler's first cycles.")
    with running_simulator() as simulator:
        people = [{"identity": "user"}, {"identity": "agent-1", "kind": "AGENT"}]
        for first in range(0, SESSIONS, 5_000):
            simulator.make_rooms(
                [
                    {"name": f"room-{number}", "participants": people}
                    for number in range(first, first + 5_000)
                ]
            )
        environ = {
            **simulator.environ,
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/many.db",
            "LOG_LEVEL": "error",
        }
        # In another process, whose memory is not counted.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(_fill, environ, folder).result()
        asyncio.run(_cycles(report, Container(settings=load_settings(environ, folder))))


async def _cycles(report: Report, container: Container) -> None:
    async with running(container):
        _settle()
        reconcile, start = container.reconcile(), psutil.Process().memory_info().rss
        watch = Watch()
        for number in range(1, CYCLES + 1):
            with watch:
                began = time.perf_counter()
                await reconcile()
                seconds = time.perf_counter() - began
            grown = (watch.resident - start) / MIB
            report.row(
                [str(number), f"{seconds:.1f}", f"{watch.hold * 1000:.1f}", f"{grown:.1f}"],
                cycle=number, seconds=seconds, hold=watch.hold, grown=grown,
            )  # fmt: skip


def _settle() -> None:
    """Collect garbage as the started service does (``entrypoints/http/server/asgi.py``)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _fill(environ: dict[str, str], folder: Path) -> None:
    asyncio.run(_add_sessions(Container(settings=load_settings(environ, folder))))


async def _add_sessions(container: Container) -> None:
    """Store a session for each of the rooms, as if its agent had been seen there."""
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    async with running(container):
        sids = {room.name: room.sid for room in await container.rooms().all()}
        for first in range(0, SESSIONS, AT_ONCE):
            rows = [
                live_session(number, sids[f"room-{number}"], since, PROMPT)
                for number in range(first, first + AT_ONCE)
            ]
            await container.storage().database.transact(partial(insert_sessions, rows))


def insert_sessions(rows: list[dict[str, Any]], connection: Connection) -> None:
    """Store rows of :func:`live_session`."""
    connection.execute(insert(sessions), rows)


def live_session(number: int, room_sid: str, since: datetime, prompt: str) -> dict[str, Any]:
    """Return the row of a session in ``room-NUMBER``, as if its agent had been seen there."""
    name = f"room-{number}"
    return {
        "id": f"00000000-0000-7000-8000-{number:012x}",
        "room_name": name,
        "room_sid": room_sid,
        "identity": "user",
        "agent_name": "shreya-obnox",
        "agent_config": f'{{"prompt":"{prompt}"}}',
        "status": "active",
        "dispatch_id": f"AD_{number}",
        "claim_uncertain": False,
        "created_at": since,
        "dispatched_at": since,
        "active_at": since,
        "agent_identity": "agent-1",
        "agent_joined_at": since,
        "version": 3,
    }
