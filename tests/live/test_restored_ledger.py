"""A ledger that knows less than LiveKit: new, or restored from a backup."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit import rtc

from tests.live.stage import Stage, stage
from tests.live.steps import (
    agents,
    happenings,
    join,
    post,
    session_becomes,
    watched,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as alone:
        yield alone


async def test_given_a_ledger_in_memory_when_the_service_restarts_then_a_post_adopts_the_agent(
    alone: Stage, participant: rtc.Room, room: str
) -> None:
    with alone.worker():
        with alone.service(DATABASE_URL="memory://") as service:
            async with alone.clients(service) as (http, _):
                first = await post(http, "ann", room)
                await join(participant, first)
                await session_becomes(http, room, status="active")

        with alone.service(DATABASE_URL="memory://") as service:
            async with alone.clients(service) as (http, livekit):
                agent = await agents(livekit, room)
                async with watched(livekit, room) as seen:
                    second = await post(http, "bob", room)
                    session = await session_becomes(http, room, status="active")

                assert await agents(livekit, room) == agent
    assert second["agentDispatched"] is True
    assert second["sessionId"] == session["sessionId"] != first["sessionId"]
    assert session["agentAdopted"] is True
    assert happenings(session) == ["agent_adopted", "agent_joined"]
    assert session["agentJoinSeconds"] is None
    assert (seen.most_agents, len(seen.dispatches)) == (1, 1)


async def test_given_an_older_backup_is_restored_then_a_post_adopts_the_later_session_s_agent(
    alone: Stage, participant: rtc.Room, room: str
) -> None:
    ledger, backup = alone.folder / "ledger.db", alone.folder / "backup.db"
    with alone.worker():
        with alone.service() as service:
            async with alone.clients(service) as (http, _):
                await post(http, "ann", room)
                backed_up = await session_becomes(http, room, status="active")
        shutil.copy(ledger, backup)
        with alone.service() as service:
            async with alone.clients(service) as (http, _):
                answer = await http.post("/session/end", json={"roomName": room})
                assert answer.status_code == 204
                await join(participant, await post(http, "ann", room))
                lost = await session_becomes(http, room, status="active")

        shutil.move(backup, ledger)
        with alone.service() as service:
            async with alone.clients(service) as (http, livekit):
                agent = await agents(livekit, room)
                async with watched(livekit, room) as seen:
                    await post(http, "bob", room)
                    session = await session_becomes(http, room, status="active")

                assert await agents(livekit, room) == agent
                earlier = (await http.get(f"/sessions/{backed_up['sessionId']}")).json()
    assert session["sessionId"] not in (backed_up["sessionId"], lost["sessionId"])
    assert session["agentAdopted"] is True
    assert "agent_adopted" in happenings(session)
    assert (earlier["status"], earlier["endReason"]) == ("ended", "room_finished")
    assert (seen.most_agents, len(seen.dispatches)) == (1, 1)
