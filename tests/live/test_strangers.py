"""Participants and rooms that look like calls and are none, and calls that do not look like any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from livekit import api, rtc

from tests.live.stage import Staged, stage, staged
from tests.live.steps import (
    LOOKS_AGAIN_SECONDS,
    agents,
    call_becomes,
    calls_in,
    dispatches,
    has_agents,
    join,
    on_the_phone,
    post,
    room_of_a_call,
    session_becomes,
    timeline,
    token,
    until,
    watched,
)
from tests.livekit_server import LiveKitServer

pytestmark = pytest.mark.slow

NO_LOOK = {"RECONCILE_INTERVAL_SECONDS": "600"}


@pytest.fixture(scope="module")
def switchboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    """Where calls come in."""
    with staged(tmp_path_factory.mktemp("switchboard")) as switchboard:
        yield switchboard


@asynccontextmanager
async def present(
    server: LiveKitServer, room: str, identity: str, kind: str
) -> AsyncIterator[None]:
    """A participant of that kind, without a dispatch."""
    ticket = token(server, room, identity)
    ticket.claims.kind = kind  # livekit-api has no name for the newer ones
    participant = rtc.Room()
    await participant.connect(server.url, ticket.to_jwt())
    try:
        yield
    finally:
        await participant.disconnect()


async def test_given_a_warm_transfer_then_no_agent_of_ours_joins_the_consultation(
    switchboard: Staged,
) -> None:
    room, server = room_of_a_call(), switchboard.stage.server
    consultation, colleague = f"{room}-human-agent", "human-agent-sip"
    async with switchboard.clients() as (http, livekit), on_the_phone(server, room):
        await session_becomes(http, room, status="active")
        async with (
            present(server, consultation, "human-agent-sip-consult", "agent"),
            on_the_phone(server, consultation, colleague),
        ):
            await call_becomes(http, consultation, status="active")
            await asyncio.sleep(LOOKS_AGAIN_SECONDS)

            assert await agents(livekit, consultation) == ["human-agent-sip-consult"]
            assert await dispatches(livekit, consultation) == []
            assert len(await agents(livekit, room)) == 1
            call = await call_becomes(http, consultation, status="active")
    assert (call["sessionId"], call["agentDispatched"]) == (None, False)


async def test_given_a_call_by_a_connector_then_it_is_one_and_gets_an_agent(
    switchboard: Staged,
) -> None:
    room, identity = room_of_a_call(), "whatsapp_15105550100"
    async with (
        switchboard.clients() as (http, livekit),
        present(switchboard.stage.server, room, identity, "connector"),
    ):
        call = await call_becomes(http, room, status="active", agentDispatched=True)
        await until(lambda: has_agents(livekit, room, 1))
    assert call["participantIdentity"] == identity


async def test_given_no_telephony_then_webhooks_are_used_and_sip_participants_are_no_calls(
    tmp_path: Path, participant: rtc.Room, room: str
) -> None:
    ringing = room_of_a_call()
    with (
        stage(tmp_path) as alone,
        alone.worker(),
        alone.service(TELEPHONY_ENABLED="false", **NO_LOOK) as service,
    ):
        async with (
            alone.clients(service) as (http, livekit),
            on_the_phone(alone.server, ringing),
            watched(livekit, ringing) as call,
        ):
            await join(participant, await post(http, "ann", room))
            session = await session_becomes(http, room, status="active")
            await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
            ended = await session_becomes(http, room, status="ended")
            assert await calls_in(http, ringing) == {}
            assert (await http.get(f"/sessions/by-room/{ringing}")).status_code == 404

    assert timeline(session)[-1] == ("agent_joined", "webhook")
    assert timeline(ended)[-1] == ("ended", "webhook")
    assert (call.most_agents, call.dispatches) == (0, set())
