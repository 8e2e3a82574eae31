"""Keys that save agents for tenants of fixed keys, which may not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from domain.access.access import SYSTEM, Scope
from domain.access.manage_keys import CreateKeyCommand
from entrypoints.container import Container
from entrypoints.container import running as opened
from entrypoints.settings import load_settings


def agent_keys(environ: dict[str, str], folder: Path, *tenants: str) -> dict[str, str]:
    """Return a key of each tenant that saves agents."""

    async def make() -> dict[str, str]:
        async with opened(Container(settings=load_settings(environ, folder))) as container:
            manage = container.manage_keys()
            scopes = frozenset({Scope.AGENTS_WRITE})
            commands = [CreateKeyCommand(name=one, tenant=one, scopes=scopes) for one in tenants]
            made = [await manage.create(command, SYSTEM) for command in commands]
            return {key.key.tenant: key.text for key in made}

    return asyncio.run(make())


def save_agent(http: httpx.Client, key: str, **fields: object) -> str:
    """Save an agent; return its id."""
    answer = http.post("/agents", json={"name": "support", **fields}, headers={"X-API-Key": key})
    assert answer.status_code == 201, answer.text
    agent_id: str = answer.json()["agentId"]
    return agent_id
