"""LiveKit is killed and comes back without its rooms: their sessions end once that is certain."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.live.stage import Stage, environ_of
from tests.live.steps import (
    call_becomes,
    happenings,
    on_the_phone,
    post,
    room_of_a_call,
    session_becomes,
    until,
)
from tests.livekit_server import free_port, livekit_server

pytestmark = pytest.mark.slow

KEPT = "sessions and calls are kept that LiveKit does not list"
ENDED = '"session_ended"'


async def test_given_livekit_lost_its_store_then_much_is_kept_until_confirmed_and_ends_then(
    tmp_path: Path, room: str
) -> None:
    names, ringing, port = [f"{room}-{n}" for n in range(4)], room_of_a_call(), free_port()
    with ExitStack() as outlives_livekit:
        with livekit_server(tmp_path, port=port) as server:
            environ = environ_of(server, tmp_path, free_port())
            alone = Stage(server=server, environ=environ, folder=tmp_path)
            service = outlives_livekit.enter_context(alone.service(RECONCILE_INTERVAL_SECONDS="2"))
            async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
                for name in names:
                    await post(http, "ann", name)
                async with on_the_phone(server, ringing):
                    await call_becomes(http, ringing, agentDispatched=True)
                    os.kill(server.pid, signal.SIGKILL)
        with livekit_server(tmp_path, port=port):
            async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
                await until(lambda: says_that_it_holds(http), 60)
                for name in [*names, ringing]:
                    session = await session_becomes(http, name, status="ended")
                    assert session["endReason"] == "room_finished"
                    assert session["timeline"][-1]["source"] == "reconciler"
                call = await call_becomes(http, ringing, status="ended")
                await until(lambda: holds_nothing(http), 60)

    assert happenings(call)[-1] == "left"
    assert 0 < service.output().index(KEPT) < service.output().index(ENDED)


async def held_entries(http: httpx.AsyncClient) -> float:
    lines = (await http.get("/metrics")).text.splitlines()
    [value] = [line.split()[-1] for line in lines if line.startswith("backend_reconciler_held_")]
    return float(value)


async def says_that_it_holds(http: httpx.AsyncClient) -> bool:
    return await held_entries(http) > 3


async def holds_nothing(http: httpx.AsyncClient) -> bool:
    return await held_entries(http) == 0
