"""``backend agents …``: saved agents and their versions."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer

from domain.access.access import SYSTEM, Access, Scope
from domain.agents.agent import MAX_VERSIONS, Agent, AgentVersion
from domain.agents.apply_agent import ApplyAgent
from domain.agents.definition import AgentDefinition
from domain.agents.manage_agents import ManageAgents
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.pagination import DEFAULT_LIMIT, Page
from entrypoints.cli.output import printable, show
from entrypoints.cli.process import ledger
from entrypoints.cli.records import json_of, show_page
from entrypoints.presenters.agents import agent_response, version_response

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Saved agents: list, apply, roll back and delete.")

_HEADER: Final = ("agent", "name", "tenant", "version", "latest", "worker", "changed")
_VERSIONS: Final = ("version", "active", "created", "worker", "description")

_MOST: Final = 1000
_ADVICE: Final = "raise --limit"

Wanted = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's id or name.")]
Tenant = Annotated[
    str | None, typer.Option(help="Whose agents names are looked for in; without it, no tenant's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Limit = Annotated[int, typer.Option(min=1, max=_MOST, help="How many at most.")]


@app.command("list")
def list_agents(*, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False) -> None:
    """List the agents of every tenant, the newest first, each with its active version."""
    page = _with_agents(lambda agents: agents.page(SYSTEM, limit=limit))
    show_page(page, _HEADER, _row, _json if as_json else None, _ADVICE)


@app.command("show")
def show_agent(agent: Wanted, *, tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Show an agent with its active version."""
    found = _with_agents(lambda agents: _find(agents, agent, tenant))
    if as_json:
        typer.echo(_json(found))
    else:
        show(("field", "value"), _fields(found))


@app.command("apply")
def apply(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="YAML with agents; - is standard input.")
    ],
    *,
    tenant: Tenant = None,
) -> None:
    """Create each agent in a file, or change the one of that name; say what was done.

    The file is checked as a whole first. An agent that is as in the file gets no new version.
    """
    from entrypoints.cli.agent_files import read_agents  # noqa: PLC0415 - YAML is rarely needed

    asyncio.run(_apply(read_agents(_name_of(file), _text_of(file)), tenant))


@app.command("export")
def export(
    agent: Annotated[
        list[str] | None, typer.Argument(metavar="[AGENT]...", help="Ids or names; none: all.")
    ] = None,
    *,
    tenant: Tenant = None,
) -> None:
    """Print agents as YAML, which `agents apply` reads, each with its active version."""
    from entrypoints.cli.agent_files import write_agents  # noqa: PLC0415 - YAML is rarely needed

    found = _with_agents(lambda agents: _all(agents, agent, tenant))
    typer.echo(write_agents(found), nl=False)


@app.command("versions")
def versions(
    agent: Wanted, *, tenant: Tenant = None, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False
) -> None:
    """List the versions of an agent, the newest first."""
    found, page = _with_agents(lambda agents: _versions(agents, agent, tenant, limit))
    show_page(
        page,
        _VERSIONS,
        lambda version: _version_row(version, found),
        _version_json if as_json else None,
        _ADVICE,
    )


@app.command("activate")
def activate(
    agent: Wanted,
    version: Annotated[
        int, typer.Argument(min=1, max=MAX_VERSIONS, help="The number of the version.")
    ],
    *,
    tenant: Tenant = None,
) -> None:
    """Let new sessions begin with a version; running ones keep theirs."""

    async def change(agents: ManageAgents) -> Agent:
        found = await _find(agents, agent, tenant)
        return await agents.activate(str(found.id), version, SYSTEM)

    changed = _with_agents(change)
    typer.echo(f"{printable(changed.definition.name)}: version {changed.version} is active.")


@app.command("delete")
def delete(agent: Wanted, *, tenant: Tenant = None) -> None:
    """Delete an agent and its versions; sessions keep the configuration they began with."""

    async def change(agents: ManageAgents) -> Agent:
        found = await _find(agents, agent, tenant)
        await agents.delete(str(found.id), SYSTEM)
        return found

    deleted = _with_agents(change)
    typer.echo(f"{printable(deleted.definition.name)} ({deleted.id}) is deleted.")


def _with_agents(use: Callable[[ManageAgents], Awaitable[T]]) -> T:
    async def run() -> T:
        async with ledger() as container:
            return await use(container.manage_agents())

    return asyncio.run(run())


def _access(tenant: str | None) -> Access:
    """Return access to the agents of ``tenant`` alone."""
    scopes = frozenset({Scope.AGENTS_READ, Scope.AGENTS_WRITE})
    return Access(tenant=tenant, scopes=scopes, sees_unowned=False)


async def _find(agents: ManageAgents, wanted: str, tenant: str | None) -> Agent:
    try:
        return await agents.by_id(wanted, SYSTEM)
    except NotFound:
        found = await agents.by_name(wanted, _access(tenant))
    if found is None:
        of = "no tenant" if tenant is None else f"tenant '{printable(tenant)}'"
        raise NotFound(f"There is no agent '{printable(wanted)}' of {of}, and none with this id.")
    return found


async def _all(
    agents: ManageAgents, wanted: Sequence[str] | None, tenant: str | None
) -> list[AgentDefinition]:
    if wanted:
        return [(await _find(agents, one, tenant)).definition for one in wanted]
    found: list[Agent] = []
    page = await agents.page(_access(tenant))
    found += page.items
    while page.next is not None:
        page = await agents.page(_access(tenant), page.next)
        found += page.items
    return [agent.definition for agent in reversed(found)]


async def _versions(
    agents: ManageAgents, wanted: str, tenant: str | None, limit: int
) -> tuple[Agent, Page[AgentVersion]]:
    found = await _find(agents, wanted, tenant)
    return found, await agents.versions(str(found.id), SYSTEM, limit=limit)


async def _apply(given: Sequence[Mapping[str, Any]], tenant: str | None) -> None:
    async with ledger() as container:
        apply_agent: ApplyAgent = container.apply_agent()
        for agent in given:
            applied = await apply_agent(agent, _access(tenant))
            name, version = printable(applied.agent.definition.name), applied.agent.version
            typer.echo(f"{name}: {applied.outcome}, version {version}")


def _text_of(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{_name_of(file)} is not UTF-8 text.", field="file") from None


def _name_of(file: Path) -> str:
    return "Standard input" if str(file) == "-" else printable(file)


def _json(agent: Agent) -> str:
    return json_of(agent_response(agent))


def _version_json(version: AgentVersion) -> str:
    return json_of(version_response(version))


def _row(agent: Agent) -> Sequence[object]:
    shown = agent_response(agent)
    return (
        shown.agent_id, shown.name, agent.tenant, shown.version, shown.latest_version,
        shown.agent_name, shown.updated_at,
    )  # fmt: skip


def _version_row(version: AgentVersion, agent: Agent) -> Sequence[object]:
    shown = version_response(version)
    is_active = version.number == agent.version
    return shown.version, is_active, shown.created_at, shown.agent_name, shown.description


def _fields(agent: Agent) -> list[tuple[str, object]]:
    """Return every field; each key of ``agentConfig`` and each variable has a line of its own."""
    fields: dict[str, Any] = msgspec.to_builtins(agent_response(agent))
    nested = {name: fields.pop(name) for name in ("agentConfig", "variables")}
    return [
        *fields.items(),
        *(
            (f"{name}.{key}", value if isinstance(value, str | None) else _text(value))
            for name, values in nested.items()
            for key, value in values.items()
        ),
    ]


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
