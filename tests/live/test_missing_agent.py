"""Workers that die, and workers that come too late: nobody posts again, and the agent comes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from livekit import api, rtc

from tests.live.stage import stage
from tests.live.steps import (
    agents,
    call_becomes,
    happenings,
    join,
    on_the_phone,
    post,
    room_of_a_call,
    session_becomes,
    until,
    watched,
)

pytestmark = pytest.mark.slow


async def test_given_a_worker_is_killed_then_the_next_one_s_agents_serve_all_who_wait_or_come_since(
    tmp_path: Path, participant: rtc.Room, second_participant: rtc.Room, room: str
) -> None:
    new, ringing = f"{room}-new", room_of_a_call()
    with stage(tmp_path) as alone, alone.service() as service:
        async with (
            alone.clients(service) as (http, livekit),
            watched(livekit, room) as old_room,
            watched(livekit, new) as new_room,
            watched(livekit, ringing) as ringing_room,
        ):
            with alone.worker("first") as first:
                await join(participant, await post(http, "ann", room))
                before = await session_becomes(http, room, status="active")
                [dead] = await agents(livekit, room)
                first.kill()
            await join(second_participant, await post(http, "bob", new))
            async with on_the_phone(alone.server, ringing):
                await call_becomes(http, ringing, agentDispatched=True)
                with alone.worker("second"):
                    late = await session_becomes(http, new, status="active")
                    await session_becomes(http, ringing, status="active")
                    # LiveKit lists the killed one's agent for some 20 seconds.
                    await until(lambda: is_another(livekit, room, dead), 60)
                    after = await session_becomes(http, room, status="active")

    # On a busy machine LiveKit may drop a job, which is dispatched once more.
    assert happenings(late)[:2] == ["agent_dispatched", "agent_never_joined"]
    assert happenings(late)[-2:] == ["agent_dispatched", "agent_joined"]
    assert happenings(after)[:3] == ["agent_dispatched", "agent_joined", "agent_left"]
    assert happenings(after)[-2:] == ["agent_dispatched", "agent_joined"]
    assert after["sessionId"] == before["sessionId"]
    assert after["agentJoinedAt"] > before["agentJoinedAt"]
    assert after["agentLeftAt"] is None
    for seen in (old_room, new_room, ringing_room):
        assert seen.most_agents == 1


async def is_another(livekit: api.LiveKitAPI, room: str, agent: str) -> bool:
    """Whether one is there, and not ``agent``."""
    there = await agents(livekit, room)
    return len(there) == 1 and there != [agent]


async def test_given_no_worker_then_callers_are_told_and_once_one_serves_no_more(
    tmp_path: Path, participant: rtc.Room, room: str
) -> None:
    with stage(tmp_path) as alone, alone.service() as service:
        async with alone.clients(service) as (http, _):

            async def is_told(*wanted: str) -> bool:
                """Whether the next caller and the operator are told so."""
                started = await post(http, "bob", f"{room}-{time.monotonic_ns()}")
                ready = (await http.get("/health/ready")).raise_for_status().json()
                warned = any("is registered" in warning for warning in ready["warnings"])
                return started["agentStatus"] in wanted and warned is ("no_worker" in wanted)

            first = await post(http, "ann", room)
            await join(participant, first)
            await until(lambda: is_told("no_worker"), 60)
            with alone.worker():
                await session_becomes(http, room, status="active")
                await until(lambda: is_told("expected"), 60)

    assert first["agentStatus"] == "expected"
    assert service.output().count("no worker takes the agent's jobs") == 1
    assert service.output().count("a worker takes the agent's jobs again") == 1
