"""Two tenants with fixed keys, which save no agents, and keys of theirs that do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import httpx

from domain.access.access import SYSTEM, Scope
from domain.access.manage_keys import CreateKeyCommand
from entrypoints.container import Container
from entrypoints.container import running as opened
from entrypoints.settings import load_settings
from tests.databases import sqlite_in
from tests.integration.http.routes import all_routes
from tests.simulator import SimulatorProcess

ANN, BEN = "ann-s-secret-key-0123456789", "ben-s-secret-key-0123456789"
GUARDED: Final = sorted(
    (route for route in all_routes() if not route.handler.opt.get("public")),
    key=lambda route: route.name,
)
"""The routes that are not public."""


def tenants_environ(simulator: SimulatorProcess, folder: Path) -> dict[str, str]:
    """Return the environment of a service of Ann's and Ben's, with its ledger in ``folder``."""
    return {
        **simulator.environ,
        "DATABASE_URL": sqlite_in(folder),
        "API_KEYS": f"ann={ANN},ben={BEN}",
        "TOKEN_AGENT_NAMES": "receptionist",
    }


def as_(key: str, **headers: str) -> dict[str, str]:
    """Return the headers of a request with this key."""
    return {"Authorization": f"Bearer {key}", **headers}


def agent_keys(
    environ: dict[str, str], folder: Path, *tenants: str, scope: Scope = Scope.AGENTS_WRITE
) -> dict[str, str]:
    """Return a key of each tenant that saves agents, or has another scope."""

    async def make() -> dict[str, str]:
        async with opened(Container(settings=load_settings(environ, folder))) as container:
            manage = container.manage_keys()
            scopes = frozenset({scope})
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
