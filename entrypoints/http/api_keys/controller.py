"""POST, GET and DELETE /api-keys."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Router, delete, get, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.access.authenticate import Authenticate
from domain.access.manage_keys import ManageKeys
from domain.shared.clock import Clock
from domain.shared.errors import Forbidden
from entrypoints.container import Container
from entrypoints.http.api_keys import documentation
from entrypoints.http.api_keys.schemas import (
    ApiKeysResponse,
    CreateApiKeyRequest,
    CreatedApiKeyResponse,
    KeyPrefix,
    command_of,
    created_response,
)
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.openapi.document import KEYED
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.routing import routes_of
from entrypoints.presenters.api_keys import key_response

FIRST: Final = (
    "The first API key is made on the service's machine, so that no other client can lock its "
    "owner out: `backend keys create NAME --scope admin`, or set API_KEYS."
)


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        ApiKeysController,
        _manage=container.manage_keys,
        _authenticate=container.authenticate,
        _clock=container.clock,
    )


class ApiKeysController(Controller):
    """Make, list and revoke API keys."""

    tags = ("API keys",)
    security = KEYED
    opt = ADMINISTRATIVE

    _manage: ManageKeys
    _authenticate: Authenticate
    _clock: Clock

    @post(
        "/api-keys",
        needs=(Scope.ADMIN,),
        hidden=True,
        status_code=201,
        operation_class=Operation,
        summary="Make an API key",
        responses=documentation.CREATE_RESPONSES,
    )
    async def create_api_key(
        self,
        data: Annotated[CreateApiKeyRequest, documentation.CREATE_BODY],
        scope: AsgiScope,
    ) -> CreatedApiKeyResponse:
        """The ledger keeps a hash of the key. The first key is made with `backend keys create`."""
        if not await self._authenticate.is_guarded():
            raise Forbidden(FIRST)
        made = await self._manage.create(command_of(data), access_of(scope))
        return created_response(made, self._clock.now())

    @get(
        "/api-keys",
        needs=(Scope.ADMIN,),
        hidden=True,
        operation_class=Operation,
        summary="The API keys of every tenant, the newest first",
        responses=documentation.READ_RESPONSES,
    )
    async def list_api_keys(self, scope: AsgiScope) -> ApiKeysResponse:
        """The keys without their texts, of which only hashes are kept."""
        keys, now = await self._manage.all(access_of(scope)), self._clock.now()
        return ApiKeysResponse(api_keys=[key_response(key, now) for key in keys])

    @delete(
        "/api-keys/{prefix:str}",
        needs=(Scope.ADMIN,),
        hidden=True,
        status_code=204,
        operation_class=Operation,
        summary="Revoke an API key",
        responses=documentation.DELETE_RESPONSES,
    )
    async def revoke_api_key(self, prefix: KeyPrefix, scope: AsgiScope) -> None:
        """The key, and the console's sessions that it opened, stop working within 5 seconds.

        It stays in the list. Revoking it again changes nothing.
        """
        await self._manage.revoke(prefix, access_of(scope))
