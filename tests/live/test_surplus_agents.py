"""Agents of ours that others dispatch: one stays, or serves from the beginning."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from livekit import api, rtc

from tests.live.conftest import AGENT_NAME
from tests.live.stage import stage
from tests.live.steps import (
    LOOKS_AGAIN_SECONDS,
    agents,
    call_becomes,
    has_only,
    join,
    on_the_phone,
    post,
    room_of_a_call,
    session_becomes,
    until,
    watched,
)


@pytest.mark.parametrize("webhooks", [True, False], ids=["told", "untold"])
async def test_given_an_agent_when_another_program_dispatches_a_second_then_the_first_one_stays(
    tmp_path: Path, participant: rtc.Room, room: str, *, webhooks: bool
) -> None:
    with (
        stage(tmp_path, webhooks=webhooks) as alone,
        alone.worker() as worker,
        alone.service() as service,
    ):
        async with alone.clients(service) as (http, livekit):
            await join(participant, await post(http, "ann", room))
            before = await session_becomes(http, room, status="active")
            [agent] = await agents(livekit, room)

            await livekit.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=room)
            )
            await until(lambda: worker.output().count(f"settled {room}\n") == 2)
            await until(lambda: has_only(livekit, room, agent))
            await asyncio.sleep(LOOKS_AGAIN_SECONDS)

            assert await has_only(livekit, room, agent)
            after = await session_becomes(http, room, status="active")
    assert after["timeline"] == before["timeline"]
    assert (after["agentAdopted"], after["agentLeftAt"]) == (False, None)


async def test_given_a_dispatch_rule_that_names_the_agent_then_its_one_serves_the_call(
    tmp_path: Path,
) -> None:
    room = room_of_a_call()
    with stage(tmp_path) as alone, alone.worker() as worker, alone.service() as service:
        async with (
            alone.clients(service) as (http, livekit),
            on_the_phone(alone.server, room, agents_by_rule=[AGENT_NAME]),
            watched(livekit, room) as seen,
        ):
            call = await call_becomes(http, room, agentDispatched=True)
            session = await session_becomes(http, room, status="active")

    assert (seen.most_agents, len(seen.dispatches)) == (1, 1)
    assert worker.output().count(f"took {room}\n") == 1
    assert session["sessionId"] == call["sessionId"]
    assert session["agentAdopted"] is True
