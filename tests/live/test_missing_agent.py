"""Workers that come too late, and workers that die: nobody posts again, and the agent comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit import api, rtc

from tests.live.stage import Stage, stage
from tests.live.steps import (
    agents,
    call_becomes,
    happenings,
    has_agents,
    join,
    on_the_phone,
    post,
    room_of_a_call,
    session_becomes,
    until,
    watched,
)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as alone:
        yield alone


async def test_given_no_worker_when_one_registers_later_then_user_and_caller_get_an_agent_each(
    alone: Stage, participant: rtc.Room, room: str
) -> None:
    ringing = room_of_a_call()
    with alone.service() as service:
        async with (
            alone.clients(service) as (http, livekit),
            on_the_phone(alone.server, ringing),
            watched(livekit, room) as web,
            watched(livekit, ringing) as call,
        ):
            started = await post(http, "ann", room)
            await join(participant, started)
            await call_becomes(http, ringing, agentDispatched=True)
            with alone.worker():
                session = await session_becomes(http, room, status="active")
                await session_becomes(http, ringing, status="active")
                await until(lambda: has_agents(livekit, room, 1))
                await until(lambda: has_agents(livekit, ringing, 1))

    assert session["sessionId"] == started["sessionId"]
    assert happenings(session)[:2] == ["agent_dispatched", "agent_never_joined"]
    assert happenings(session)[-2:] == ["agent_dispatched", "agent_joined"]
    assert (web.most_agents, call.most_agents) == (1, 1)


async def test_given_a_worker_is_killed_then_the_ledger_says_so_and_another_ones_agent_comes(
    alone: Stage, participant: rtc.Room, room: str
) -> None:
    with alone.service() as service:
        async with alone.clients(service) as (http, livekit):
            with alone.worker("first") as first:
                started = await post(http, "ann", room)
                await join(participant, started)
                before = await session_becomes(http, room, status="active")
                [dead] = await agents(livekit, room)
                first.kill()
            with alone.worker("second"):
                async with watched(livekit, room) as seen:
                    # LiveKit notices after some 20 seconds.
                    await until(lambda: is_another(livekit, room, dead), 60)
                    after = await session_becomes(http, room, status="active")

    assert after["sessionId"] == started["sessionId"]
    assert after["agentJoinedAt"] > before["agentJoinedAt"]
    assert happenings(after) == [
        "agent_dispatched",
        "agent_joined",
        "agent_left",
        "agent_dispatched",
        "agent_joined",
    ]
    assert (seen.most_agents, after["agentLeftAt"]) == (1, None)


async def is_another(livekit: api.LiveKitAPI, room: str, agent: str) -> bool:
    """Whether one is there, and not ``agent``."""
    there = await agents(livekit, room)
    return len(there) == 1 and there != [agent]
