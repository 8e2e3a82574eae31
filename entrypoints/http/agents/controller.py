"""POST /agents, GET /agents, GET, PATCH and DELETE /agents/{agentId}, …/versions."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

from litestar import Controller, Response, Router, delete, get, patch, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.agents.create_agent_once import CreateAgentOnce
from domain.agents.manage_agents import ManageAgents
from entrypoints.container import Container
from entrypoints.http.agents import documentation
from entrypoints.http.agents.schemas import (
    AgentsResponse,
    AgentVersionsResponse,
    ChangeAgentRequest,
    CreateAgentRequest,
    VersionPath,
    agents_response,
    fields_of,
    repeated_response,
    stored_response,
    version_in_path,
    versions_response,
)
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.middleware.request_log import note
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests.fields import CursorQuery, IdPath, LimitQuery
from entrypoints.http.requests.idempotency import IdempotencyKey, repeatable
from entrypoints.http.requests.listed import listed
from entrypoints.http.routing import routes_of
from entrypoints.presenters.agents import AgentResponse, agent_response, version_response

READS: Final = (Scope.AGENTS_READ, Scope.AGENTS_WRITE)
WRITES: Final = (Scope.AGENTS_WRITE,)


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        AgentsController,
        _manage_agents=container.manage_agents,
        _create_agent_once=container.create_agent_once,
    )


class AgentsController(Controller):
    """Create, change, roll back, read and delete saved agents."""

    path = "/agents"
    tags = ("agents",)
    security = KEYED
    opt = ADMINISTRATIVE

    _manage_agents: ManageAgents
    _create_agent_once: CreateAgentOnce

    @post(
        needs=WRITES,
        hidden=True,
        status_code=201,
        operation_class=documentation.CreateAgent,
        summary="Save an agent (development, or with an API key)",
        responses=documentation.CREATE_RESPONSES,
    )
    async def create_agent(
        self,
        data: Annotated[CreateAgentRequest, documentation.CREATE_BODY],
        scope: AsgiScope,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[AgentResponse]:
        """The agent has version 1, which is active. `POST /session` begins a session with it."""
        given, access, replayed = fields_of(data), access_of(scope), False
        if idempotency_key is None:
            response = agent_response(await self._manage_agents.create(given, access))
        else:
            done = await self._create_agent_once(idempotency_key, given, access, stored_response)
            response, replayed = repeated_response(done.text), done.replayed
        note(scope, agentId=response.agent_id)
        return repeatable(response, replayed=replayed)

    @get(
        needs=READS,
        hidden=True,
        operation_class=documentation.ListAgents,
        summary="Saved agents, the newest first (development, or with an API key)",
        responses=LIST_RESPONSES,
    )
    async def list_agents(
        self, scope: AsgiScope, cursor: CursorQuery = None, limit: LimitQuery = None
    ) -> AgentsResponse:
        """Each with its active version.

        A page ends before `limit` where its items would take more than 1 MiB; `nextCursor` goes on.
        """
        page = await listed(scope, self._manage_agents.page, cursor, limit, agent_response)
        return agents_response(page)

    @get(
        "/{agentId:str}",
        needs=READS,
        hidden=True,
        operation_class=documentation.AgentById,
        summary="A saved agent (development, or with an API key)",
        responses=documentation.READ_RESPONSES,
    )
    async def agent_by_id(
        self,
        agentId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> AgentResponse:
        """The agent with its active version."""
        return agent_response(await self._manage_agents.by_id(agentId, access_of(scope)))

    @patch(
        "/{agentId:str}",
        needs=WRITES,
        hidden=True,
        operation_class=documentation.ChangeAgent,
        summary="Change a saved agent (development, or with an API key)",
        responses=documentation.CHANGE_RESPONSES,
    )
    async def change_agent(
        self,
        agentId: IdPath,  # noqa: N803
        data: Annotated[ChangeAgentRequest, documentation.CHANGE_BODY],
        scope: AsgiScope,
    ) -> AgentResponse:
        """Replace the fields that the body has; the result is a new version, which is active.

        A change that changes nothing makes no version. Sessions keep the version they began with.
        """
        return agent_response(
            await self._manage_agents.change(
                agentId, fields_of(data), data.version, access_of(scope)
            )
        )

    @delete(
        "/{agentId:str}",
        needs=WRITES,
        hidden=True,
        status_code=204,
        operation_class=Operation,
        summary="Delete a saved agent (development, or with an API key)",
        responses=documentation.DELETE_RESPONSES,
    )
    async def delete_agent(
        self,
        agentId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> None:
        """Delete the agent and its versions. Sessions keep the configuration they began with."""
        await self._manage_agents.delete(agentId, access_of(scope))

    @get(
        "/{agentId:str}/versions",
        needs=READS,
        hidden=True,
        operation_class=documentation.AgentVersions,
        summary="Versions of a saved agent, the newest first (development, or with an API key)",
        responses=documentation.VERSION_RESPONSES,
    )
    async def agent_versions(
        self,
        agentId: IdPath,  # noqa: N803
        scope: AsgiScope,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> AgentVersionsResponse:
        """A page ends before `limit` where its items would take more than 1 MiB."""
        read = partial(self._manage_agents.versions, agentId)
        return versions_response(await listed(scope, read, cursor, limit, version_response))

    @post(
        "/{agentId:str}/versions/{version:str}/activate",
        needs=WRITES,
        hidden=True,
        status_code=200,
        operation_class=documentation.ActivateVersion,
        summary="Activate a version of a saved agent (development, or with an API key)",
        responses=documentation.ACTIVATE_RESPONSES,
    )
    async def activate_version(
        self,
        agentId: IdPath,  # noqa: N803
        version: VersionPath,
        scope: AsgiScope,
    ) -> AgentResponse:
        """New sessions begin with this version; running ones keep theirs. Needs no body.

        It is safe to repeat.
        """
        number = version_in_path(version)
        return agent_response(await self._manage_agents.activate(agentId, number, access_of(scope)))
