"""POST /session against a real livekit-server, beside livekit-api's CreateDispatch alone."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path
from typing import Final

from livekit.api import CreateAgentDispatchRequest, LiveKitAPI

from domain.agent_config import AgentConfig
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS, Senders
from tests.benchmarks.servers import ours
from tests.livekit_server import API_KEY, API_SECRET, livekit_server

SECONDS: Final = 1
_NUMBERS: Final = itertools.count()


async def bare(url: str, at_once: int) -> float:
    """CreateDispatches a second, into rooms that nobody has used, by livekit-api as it is."""
    metadata, end, done = AgentConfig.parse(None).metadata(), time.monotonic() + SECONDS, 0

    async def loop(livekit: LiveKitAPI) -> None:
        nonlocal done
        while time.monotonic() < end:
            await livekit.agent_dispatch.create_dispatch(
                CreateAgentDispatchRequest(
                    room=f"bare-{next(_NUMBERS)}", agent_name="bare", metadata=metadata
                )
            )
            done += 1

    async with LiveKitAPI(url, API_KEY, API_SECRET) as livekit:
        began = time.monotonic()
        await asyncio.gather(*(loop(livekit) for _ in range(at_once)))
        return done / (time.monotonic() - began)


def measure(report: Report, folder: Path) -> None:
    """By turns, each round on a new server: a server gets slower with every room it has."""
    heads = ["at once", "CreateDispatch/s", "POST /session/s", "of the bare loop"]
    report.section("A real livekit-server", heads, "SQLite; the server runs on the same machine.")
    senders = Senders(folder)
    for at_once in (32, 1):
        floor, found = [], []
        for round_ in range(ROUNDS):
            place = folder / f"{at_once}-{round_}"
            place.mkdir()
            with livekit_server(place) as server:
                environ = {
                    "LIVEKIT_URL": server.url,
                    "LIVEKIT_API_KEY": API_KEY,
                    "LIVEKIT_API_SECRET": API_SECRET,
                    "RECONCILE_INTERVAL_SECONDS": "86400",
                }
                with ours("sqlite", environ, place / "ledger") as service:
                    for mine in (False, True) if round_ % 2 else (True, False):
                        if mine:
                            found.append(senders.session(service, at_once, SECONDS).rate)
                        else:
                            floor.append(asyncio.run(bare(server.url, at_once)))
        rates = Spread.of(floor), Spread.of(found)
        ratio = Spread.of([ours_ / bare_ for bare_, ours_ in zip(floor, found, strict=True)])
        report.row(
            [at_once, rates[0].text(), rates[1].text(), ratio.text(2)],
            at_once=at_once,
            floor=rates[0],
            rate=rates[1],
            ratio=ratio,
        )
