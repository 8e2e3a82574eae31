"""Saved agents whose workers differ, in one deployment; versions that change under a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from livekit import api, rtc

from tests.live.stage import stage
from tests.live.steps import agents, join, session_becomes, until

pytestmark = pytest.mark.slow

SUPPORT, SALES = "support-worker", "sales-worker"


async def save(http: httpx.AsyncClient, name: str, worker: str) -> str:
    """Save an agent with a worker of its own; return its id."""
    body = {
        "name": name,
        "agentName": worker,
        "agentConfig": {"prompt": f"{name} of {{{{customer}}}}", "engine": {"kind": "pipeline"}},
        "variables": {"customer": None},
    }
    answer = await http.post("/agents", json=body)
    agent_id: str = answer.raise_for_status().json()["agentId"]
    return agent_id


async def start(http: httpx.AsyncClient, room: str, agent: str, **body: Any) -> dict[str, Any]:
    answer = await http.post(
        "/session", json={"userIdentity": "ann", "roomName": room, "agentId": agent, **body}
    )
    assert answer.status_code == 200, answer.text
    started: dict[str, Any] = answer.json()
    return started


async def dispatched(livekit: api.LiveKitAPI, room: str) -> set[tuple[str, str]]:
    """The worker's name and the metadata of each dispatch into the room."""
    listed = await livekit.agent_dispatch.list_dispatch(room)
    return {(one.agent_name, one.metadata) for one in listed if one.agent_name}


async def is_another(livekit: api.LiveKitAPI, room: str, agent: str) -> bool:
    """Whether one agent is in the room, and not ``agent``."""
    present = await agents(livekit, room)
    return len(present) == 1 and present != [agent]


async def test_given_a_new_version_when_the_worker_is_killed_then_the_session_keeps_its_own(
    tmp_path: Path, participant: rtc.Room, second_participant: rtc.Room, room: str
) -> None:
    other, later = f"{room}-sales", f"{room}-later"
    with (
        stage(tmp_path) as alone,
        alone.service() as service,
        alone.worker("sales", agent_name=SALES) as sales_worker,
    ):
        async with alone.clients(service) as (http, livekit):
            support, sales = await save(http, "support", SUPPORT), await save(http, "sales", SALES)
            with alone.worker("first", agent_name=SUPPORT) as first:
                # Given a session with each agent
                await join(
                    participant, await start(http, room, support, variables={"customer": "Ann"})
                )
                await join(
                    second_participant, await start(http, other, sales, variables={"customer": ""})
                )
                before = await session_becomes(http, room, status="active")
                await session_becomes(http, other, status="active")
                assert f"took {room}\n" in first.output()
                assert f"took {other}\n" in sales_worker.output()
                assert f"took {other}\n" not in first.output()
                [(worker, metadata)] = await dispatched(livekit, room)

                # When another version becomes active, and the worker is killed
                changes = {"agentName": SALES, "agentConfig": {"prompt": "new"}, "variables": {}}
                changed = await http.patch(f"/agents/{support}", json=changes)
                assert changed.raise_for_status().json()["version"] == 2
                [dead] = await agents(livekit, room)
                first.kill()
            with alone.worker("second", agent_name=SUPPORT) as second:
                # LiveKit lists the killed one's agent for some 20 seconds.
                await until(lambda: is_another(livekit, room, dead), 90)
                after = await session_becomes(http, room, status="active")

                # Then the same worker gets the same configuration again
                assert f"took {room}\n" in second.output()
                assert await dispatched(livekit, room) == {(worker, metadata)}

            # And a new session begins with the new version
            new = await start(http, later, support)
            [(new_worker, new_metadata)] = await dispatched(livekit, later)

    assert (worker, json.loads(metadata)["prompt"]) == (SUPPORT, "support of Ann")
    assert json.loads(metadata)["engine"] == {"kind": "pipeline"}
    kept = ("sessionId", "agentId", "agentVersion", "agentName", "agentConfig")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert (after["agentId"], after["agentVersion"]) == (support, 1)
    assert (new["agentVersion"], new_worker) == (2, SALES)
    assert json.loads(new_metadata)["prompt"] == "new"
