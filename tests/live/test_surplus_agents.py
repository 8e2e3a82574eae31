"""Agents of ours that others dispatch: one stays, or serves from the beginning."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from livekit import api, rtc

from tests.live.conftest import AGENT_NAME
from tests.live.stage import Staged, staged
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

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[True, False], ids=["told", "untold"])
def crowded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Staged]:
    """Where another program dispatches too; webhooks come, or don't."""
    with staged(tmp_path_factory.mktemp("crowded"), webhooks=request.param) as crowded:
        yield crowded


async def test_given_an_agent_when_another_program_dispatches_a_second_then_the_first_one_stays(
    crowded: Staged, participant: rtc.Room, room: str
) -> None:
    async with crowded.clients() as (http, livekit):
        await join(participant, await post(http, "ann", room))
        before = await session_becomes(http, room, status="active")
        [agent] = await agents(livekit, room)

        await livekit.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=room)
        )
        await until(lambda: crowded.worker.output().count(f"settled {room}\n") == 2)
        await until(lambda: has_only(livekit, room, agent), 60)
        await asyncio.sleep(LOOKS_AGAIN_SECONDS)

        assert await has_only(livekit, room, agent)
        after = await session_becomes(http, room, status="active")
    assert after["timeline"] == before["timeline"]
    assert (after["agentAdopted"], after["agentLeftAt"]) == (False, None)


async def test_given_a_dispatch_rule_that_names_the_agent_then_its_one_serves_the_call(
    crowded: Staged,
) -> None:
    room = room_of_a_call()
    async with (
        crowded.clients() as (http, livekit),
        on_the_phone(crowded.stage.server, room, agents_by_rule=[AGENT_NAME]),
        watched(livekit, room) as seen,
    ):
        call = await call_becomes(http, room, agentDispatched=True)
        session = await session_becomes(http, room, status="active")

    assert (seen.most_agents, len(seen.dispatches)) == (1, 1)
    assert crowded.worker.output().count(f"took {room}\n") == 1
    assert session["sessionId"] == call["sessionId"]
    assert session["agentAdopted"] is True
