"""GET, POST and DELETE /telephony/trunks and /telephony/dispatch-rules."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from litestar import Controller, Response, Router, delete, get, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.trunks.manage_dispatch_rules import ManageDispatchRules
from domain.trunks.manage_trunks import ManageTrunks
from domain.trunks.trunk import TrunkDirection
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.openapi.document import KEYED
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import CursorQuery, LimitQuery
from entrypoints.http.routing import routes_of
from entrypoints.http.trunks import documentation
from entrypoints.http.trunks.schemas import (
    CreateDispatchRuleRequest,
    CreateTrunkRequest,
    DirectionQuery,
    DispatchRulesResponse,
    RuleId,
    TrunkId,
    TrunksResponse,
    dispatch_rules_response,
    position,
    rule_command,
    trunk_command,
    trunks_response,
)
from entrypoints.presenters.trunks import (
    DispatchRuleResponse,
    TrunkResponse,
    dispatch_rule_response,
    trunk_response,
)


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        TrunksController,
        _manage_trunks=container.manage_trunks,
        _manage_rules=container.manage_dispatch_rules,
    )


class TrunksController(Controller):
    """Manage SIP trunks and dispatch rules at LiveKit, which belong to no tenant."""

    path = "/telephony"
    tags = ("telephony",)
    security = KEYED
    opt = ADMINISTRATIVE

    _manage_trunks: ManageTrunks
    _manage_rules: ManageDispatchRules

    @get(
        "/trunks",
        needs=(Scope.ADMIN,),
        hidden=True,
        operation_class=documentation.ListTrunks,
        summary="SIP trunks (development, or with an admin key)",
        responses=documentation.LIST_RESPONSES,
    )
    async def list_trunks(
        self,
        scope: AsgiScope,
        direction: DirectionQuery = None,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> TrunksResponse:
        """The trunks that LiveKit has, also those that other programs created, sorted by id."""
        wanted = query.choice(TrunkDirection, direction, "direction")
        page = await self._manage_trunks.page(
            wanted, access_of(scope), position(cursor), query.limit(limit)
        )
        return trunks_response(page)

    @post(
        "/trunks",
        needs=(Scope.ADMIN,),
        hidden=True,
        operation_class=documentation.CreateTrunk,
        summary="Create a SIP trunk (development, or with an admin key)",
        responses=documentation.TRUNK_RESPONSES,
    )
    async def create_trunk(
        self,
        data: Annotated[CreateTrunkRequest, documentation.TRUNK_BODY],
        scope: AsgiScope,
    ) -> Response[TrunkResponse]:
        """Create a trunk, or answer 200 with the one that has the same settings but the name.

        The request may be repeated safely, and needs no idempotency key.
        """
        created = await self._manage_trunks.create(trunk_command(data), access_of(scope))
        return Response(trunk_response(created.trunk), status_code=_status(created.is_new))

    @delete(
        "/trunks/{trunkId:str}",
        needs=(Scope.ADMIN,),
        hidden=True,
        operation_class=Operation,
        summary="Delete a SIP trunk (development, or with an admin key)",
        responses=documentation.delete_responses("There is no trunk with this id."),
    )
    async def delete_trunk(
        self,
        trunkId: TrunkId,  # noqa: N803
        scope: AsgiScope,
    ) -> None:
        """Calls by this trunk are refused from now on; live calls go on."""
        await self._manage_trunks.delete(trunkId, access_of(scope))

    @get(
        "/dispatch-rules",
        needs=(Scope.ADMIN,),
        hidden=True,
        operation_class=documentation.ListDispatchRules,
        summary="SIP dispatch rules (development, or with an admin key)",
        responses=documentation.LIST_RESPONSES,
    )
    async def list_dispatch_rules(
        self, scope: AsgiScope, cursor: CursorQuery = None, limit: LimitQuery = None
    ) -> DispatchRulesResponse:
        """The rules that LiveKit has, also those that other programs created, sorted by id."""
        page = await self._manage_rules.page(access_of(scope), position(cursor), query.limit(limit))
        return dispatch_rules_response(page)

    @post(
        "/dispatch-rules",
        needs=(Scope.ADMIN,),
        hidden=True,
        operation_class=documentation.CreateDispatchRule,
        summary="Create a SIP dispatch rule (development, or with an admin key)",
        responses=documentation.RULE_RESPONSES,
    )
    async def create_dispatch_rule(
        self,
        data: Annotated[CreateDispatchRuleRequest, documentation.RULE_BODY],
        scope: AsgiScope,
    ) -> Response[DispatchRuleResponse]:
        """Create a rule, or answer 200 with the one that has the same settings but the name.

        The request may be repeated safely, and needs no idempotency key.
        """
        created = await self._manage_rules.create(rule_command(data), access_of(scope))
        return Response(dispatch_rule_response(created.rule), status_code=_status(created.is_new))

    @delete(
        "/dispatch-rules/{dispatchRuleId:str}",
        needs=(Scope.ADMIN,),
        hidden=True,
        operation_class=Operation,
        summary="Delete a SIP dispatch rule (development, or with an admin key)",
        responses=documentation.delete_responses("There is no dispatch rule with this id."),
    )
    async def delete_dispatch_rule(
        self,
        dispatchRuleId: RuleId,  # noqa: N803
        scope: AsgiScope,
    ) -> None:
        """Calls that no other rule is for are refused from now on; live calls go on."""
        await self._manage_rules.delete(dispatchRuleId, access_of(scope))


def _status(is_new: bool) -> HTTPStatus:  # noqa: FBT001 - private
    return HTTPStatus.CREATED if is_new else HTTPStatus.OK
