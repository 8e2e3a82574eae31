"""Telephone calls while LiveKit's webhooks reach nobody: the reconciler alone, or a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from livekit import api

from tests.live.conftest import Worker
from tests.live.steps import (
    call_becomes,
    dispatches,
    has_agents,
    never_two_agents,
    on_the_phone,
    room_of_a_call,
    session_ends,
    timeline,
    until,
)
from tests.livekit_server import LiveKitServer
from tests.service import Service, running, start

pytestmark = pytest.mark.slow


@pytest.fixture
def room() -> str:
    return room_of_a_call()


@pytest.fixture
def untold(telephony_environ: dict[str, str], worker: Worker, tmp_path: Path) -> Iterator[Service]:
    """A service at a port of its own: LiveKit posts its webhooks where nobody listens."""
    with running(telephony_environ, tmp_path) as service:
        yield service


async def test_given_no_webhook_comes_then_the_reconciler_finds_serves_and_ends_the_call(
    untold: Service, server: LiveKitServer, livekit: api.LiveKitAPI, room: str
) -> None:
    async with httpx.AsyncClient(base_url=untold.url, timeout=60) as http:
        async with on_the_phone(server, room), never_two_agents(livekit, room):
            # LiveKit lists the number of participants up to 5 s late.
            found = await call_becomes(http, room, 10, status="active", agentDispatched=True)
            await until(lambda: has_agents(livekit, room, 1))
            assert found["from"] == "+15105550100"
            assert len(await dispatches(livekit, room)) == 1

        call = await call_becomes(http, room, 10, status="ended")
        assert call["durationSeconds"] > 0
        assert timeline(call) == [
            ("joined", "reconciler"),
            ("active", "reconciler"),
            ("routed", "api"),
            ("agent_dispatched", "api"),
            ("left", "reconciler"),
        ]
        await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        await session_ends(http, call["sessionId"], "room_finished")


@pytest.mark.usefixtures("worker")
async def test_given_the_service_is_killed_before_a_caller_joins_then_they_are_served_after_it(
    *,
    telephony_environ: dict[str, str],
    telephony_port: int,
    server: LiveKitServer,
    livekit: api.LiveKitAPI,
    room: str,
    tmp_path: Path,
) -> None:
    environ = {**telephony_environ, "PORT": str(telephony_port)}
    start(environ, tmp_path).kill()
    killed_at = time.monotonic()
    async with on_the_phone(server, room), never_two_agents(livekit, room):
        await asyncio.sleep(killed_at + 3.5 - time.monotonic())
        with running(environ, tmp_path) as again:
            async with httpx.AsyncClient(base_url=again.url, timeout=60) as http:
                await call_becomes(http, room, status="active", agentDispatched=True)
                await until(lambda: has_agents(livekit, room, 1))
                await asyncio.sleep(2)  # whatever else LiveKit or the reconciler tells of it
                call = await call_becomes(http, room, status="active")
            assert len(await dispatches(livekit, room)) == 1
    assert call["from"] == "+15105550100"
