"""POST, GET and DELETE /publishable-keys."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Router, delete, get, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.access.manage_publishable_keys import (
    CreatePublishableKeyCommand,
    ManagePublishableKeys,
)
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.openapi.document import KEYED
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.publishable_keys import documentation
from entrypoints.http.publishable_keys.schemas import (
    CreatedPublishableKeyResponse,
    CreatePublishableKeyRequest,
    PublishableKeysResponse,
    created_response,
    key_response,
)
from entrypoints.http.requests.fields import IdPath
from entrypoints.http.routing import routes_of


def routes(container: Container) -> Router:
    """Return the routes, with the use case that they call."""
    return routes_of(PublishableKeysController, _manage=container.manage_publishable_keys)


class PublishableKeysController(Controller):
    """Make, list and delete publishable keys."""

    tags = ("publishable keys",)
    security = KEYED
    opt = ADMINISTRATIVE

    _manage: ManagePublishableKeys

    @post(
        "/publishable-keys",
        needs=(Scope.SESSIONS_WRITE,),
        status_code=201,
        operation_class=Operation,
        summary="Make a publishable key",
        responses=documentation.CREATE_RESPONSES,
    )
    async def create_publishable_key(
        self,
        data: Annotated[CreatePublishableKeyRequest, documentation.CREATE_BODY],
        scope: AsgiScope,
    ) -> CreatedPublishableKeyResponse:
        """A web page may show the key: it opens `POST /livekit/token` for its origins, and no more."""  # noqa: E501 - a line of the OpenAPI document
        command = CreatePublishableKeyCommand(
            allowed_origins=data.allowed_origins,
            agent_name=data.agent_name,
            agent_id=data.agent_id,
            requests_per_minute=data.requests_per_minute,
            access=access_of(scope),
        )
        return created_response(await self._manage.create(command))

    @get(
        "/publishable-keys",
        needs=(Scope.SESSIONS_WRITE,),
        hidden=True,
        operation_class=Operation,
        summary="The tenant's publishable keys, the newest first",
        responses=documentation.LIST_RESPONSES,
    )
    async def list_publishable_keys(self, scope: AsgiScope) -> PublishableKeysResponse:
        """The keys without their texts, of which only hashes are kept."""
        keys = await self._manage.all(access_of(scope))
        return PublishableKeysResponse(publishable_keys=[key_response(key) for key in keys])

    @delete(
        "/publishable-keys/{publishableKeyId:str}",
        needs=(Scope.SESSIONS_WRITE,),
        status_code=204,
        operation_class=Operation,
        summary="Delete a publishable key",
        responses=documentation.DELETE_RESPONSES,
    )
    async def delete_publishable_key(
        self,
        publishableKeyId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> None:
        """The key opens nothing within 5 seconds. Tokens that it has brought stay valid."""
        await self._manage.delete(publishableKeyId, access_of(scope))
