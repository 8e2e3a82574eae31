"""Numbers of tenants on a real LiveKit server: their agents answer, and a webhook refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest
from livekit import api

from tests.integration.phone_numbers.hooks import Hooks, running_hooks
from tests.integration.phone_numbers.lines import make_keys
from tests.live.conftest import running_worker
from tests.live.stage import SCRIPTED_WORKER, Stage, stage
from tests.live.steps import SIP_ATTRIBUTES, has_agents, on_the_phone, room_of_a_call, rooms, until

pytestmark = pytest.mark.slow

NUMBER: Final = SIP_ATTRIBUTES["sip.trunkPhoneNumber"]
WORKER: Final = "worker-ann"


@attrs.frozen
class Exchange:
    """A service whose only worker is Ann's, and its clients."""

    stage: Stage
    http: httpx.AsyncClient
    livekit: api.LiveKitAPI
    hooks: Hooks
    keys: dict[str, str]

    async def ask(self, method: str, path: str, tenant: str, **body: Any) -> httpx.Response:
        headers = {"X-API-Key": self.keys[tenant]}
        return await self.http.request(method, path, headers=headers, json=body or None)

    async def answers(self, **fields: Any) -> str:
        """Let an agent of Ann's answer the number; return its id."""
        saved = await self.ask("POST", "/agents", "ann", name="front desk", agentName=WORKER)
        agent_id: str = saved.json()["agentId"]
        body = {"number": NUMBER, "agentId": agent_id, **fields}
        added = await self.ask("POST", "/phone-numbers", "ops", **body)
        assert added.status_code == 201, added.text
        return agent_id

    async def call(self, room: str, tenant: str) -> dict[str, Any] | None:
        answer = await self.ask("GET", f"/telephony/calls/by-room/{room}", tenant)
        return dict(answer.json()) if answer.status_code == 200 else None


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    folder = tmp_path / "worker"
    folder.mkdir()
    with stage(tmp_path) as empty, running_hooks() as hooks:
        environ = {**empty.environ, "AGENT_NAME": WORKER, "JOIN_DELAY_SECONDS": "0"}
        with running_worker(environ, folder, SCRIPTED_WORKER):
            keys = await make_keys(empty.environ, tmp_path)
            with empty.service(WEBHOOK_ALLOW_PRIVATE="true") as service:
                async with empty.clients(service) as (http, livekit):
                    yield Exchange(empty, http, livekit, hooks, keys)


async def test_a_number_s_call_is_answered_by_its_tenant_s_agent(exchange: Exchange) -> None:
    agent_id = await exchange.answers()
    room = room_of_a_call()

    async with on_the_phone(exchange.stage.server, room):
        await until(lambda: has_agents(exchange.livekit, room, 1))
        call = await exchange.call(room, "ann")

        assert call is not None
        assert await exchange.call(room, "ben") is None
        session = (await exchange.ask("GET", f"/sessions/{call['sessionId']}", "ann")).json()
        assert (session["agentId"], session["agentName"]) == (agent_id, WORKER)
        [routed] = [one["detail"] for one in call["timeline"] if one["what"] == "routed"]
        assert routed == f"agent {agent_id}@1"


async def test_a_webhook_refuses_a_call(exchange: Exchange) -> None:
    exchange.hooks.answers["/calls"] = {"reject": 486}
    await exchange.answers(preCallWebhook={"url": f"{exchange.hooks.url}/calls"})
    room = room_of_a_call()

    async def has_ended() -> bool:
        call = await exchange.call(room, "ann")
        return call is not None and call["endedAt"] is not None

    async def is_gone() -> bool:
        return await rooms(exchange.livekit, room) == 0

    async with on_the_phone(exchange.stage.server, room):
        await until(is_gone)
        await until(has_ended)

    call = await exchange.call(room, "ann")
    assert call is not None
    assert call["sessionId"] is None
    assert ("rejected", "486") in [(one["what"], one.get("detail")) for one in call["timeline"]]
    [asked] = exchange.hooks.of("/calls")
    assert asked.headers["webhook-id"] == call["callId"]
