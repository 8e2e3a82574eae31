"""A service with two tenants, whose agents answer phone numbers, on a simulated LiveKit."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx

from domain.access.access import SYSTEM, WORK, Scope
from domain.access.manage_keys import CreateKeyCommand
from entrypoints.container import Container
from entrypoints.container import running as opened
from entrypoints.settings import load_settings
from tests.integration.http.webhooks import RULE, Caller, eventually, send
from tests.service import running
from tests.simulator import SimulatorProcess

SCOPES: Final = WORK | {
    Scope.AGENTS_READ,
    Scope.AGENTS_WRITE,
    Scope.PHONE_NUMBERS_READ,
    Scope.PHONE_NUMBERS_WRITE,
}
_LAST_DIGITS: Final = itertools.count(1000)

Answer = dict[str, Any]


@attrs.frozen
class Lines:
    """The service, and a key of each tenant's."""

    client: httpx.Client
    simulator: SimulatorProcess
    keys: dict[str, str]

    def post(self, path: str, tenant: str, body: Answer) -> Answer:
        answer = self.client.post(path, json=body, headers=self.headers(tenant))
        assert answer.status_code == 201, answer.text
        shown: Answer = answer.json()
        return shown

    def headers(self, tenant: str) -> dict[str, str]:
        return {"X-API-Key": self.keys[tenant]}

    def agent(self, tenant: str, **fields: Any) -> str:
        """Save an agent; return its id."""
        body = {"name": f"agent-{uuid.uuid4()}", "agentName": f"worker-{tenant}", **fields}
        agent_id: str = self.post("/agents", tenant, body)["agentId"]
        return agent_id

    def number(self, agent: str, **fields: Any) -> Answer:
        """Let the agent answer a number that no other test uses."""
        body = {"number": new_number(), "agentId": agent, **fields}
        return self.post("/phone-numbers", "ops", body)

    def calls(self, number: str, room: str | None = None) -> Caller:
        """A telephone calls the number, of which LiveKit tells."""
        room = room or f"call-{uuid.uuid4()}"
        trunk = {**RULE, "sip.h.x-customer": "7"}
        caller = Caller(room=room, room_sid="", trunk_number=number, trunk=trunk)
        attributes = {
            "sip.phoneNumber": caller.number,
            "sip.trunkPhoneNumber": number,
            "sip.callStatus": "active",
            **caller.trunk,
        }
        self.simulator.join(room, f"sip_{caller.number}", attributes=attributes)
        shown = self.simulator.room(room)
        assert shown is not None
        [who] = shown["participants"]
        caller = attrs.evolve(caller, room_sid=str(shown["sid"]), sid=str(who["sid"]))
        assert send(self.client, caller.joined()).status_code == 200
        return caller

    def call(self, caller: Caller, tenant: str, holds: Callable[[Answer], object]) -> Answer:
        """The call as the tenant sees it, once it ``holds``."""
        path = f"/telephony/calls/by-room/{caller.room}"

        def look() -> Answer:
            answer = self.client.get(path, headers=self.headers(tenant))
            return dict(answer.json()) if answer.status_code == 200 else {}

        return eventually(look, lambda call: call and holds(call))

    def served(self, caller: Caller, tenant: str) -> Answer:
        """The call once it has its agent."""
        return self.call(caller, tenant, lambda call: call["agentDispatched"])

    def sees(self, caller: Caller, tenant: str) -> bool:
        path = f"/telephony/calls/by-room/{caller.room}"
        return self.client.get(path, headers=self.headers(tenant)).status_code == 200

    def session(self, call: Answer, tenant: str) -> Answer:
        path = f"/sessions/{call['sessionId']}"
        shown: Answer = self.client.get(path, headers=self.headers(tenant)).json()
        return shown


def new_number() -> str:
    return f"+1510555{next(_LAST_DIGITS)}"


def whats(call: Answer) -> list[tuple[str, str]]:
    """What was decided, from the call's timeline."""
    return [(one["what"], one["detail"]) for one in call["timeline"] if "detail" in one]


@contextmanager
def lines_on(
    simulator: SimulatorProcess, folder: Path, processes: dict[str, str], **environ: str
) -> Iterator[Lines]:
    """A service with API keys of the tenants ann, ben and ops (an operator)."""
    for tenant in ("ann", "ben"):
        simulator.register_worker(f"worker-{tenant}")
    settings = {
        **simulator.environ,
        **processes,
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "86400",
        **environ,
    }
    keys = asyncio.run(make_keys(settings, folder))
    with (
        running(settings, folder) as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):
        yield Lines(client, simulator, keys)


async def make_keys(environ: dict[str, str], folder: Path) -> dict[str, str]:
    scopes = {"ann": SCOPES, "ben": SCOPES, "ops": frozenset({Scope.ADMIN})}
    async with opened(Container(settings=load_settings(environ, folder))) as container:
        manage = container.manage_keys()
        return {
            name: (
                await manage.create(
                    CreateKeyCommand(name=name, tenant=name, scopes=granted), SYSTEM
                )
            ).text
            for name, granted in scopes.items()
        }
