"""GET /deliveries and POST /deliveries/{deliveryId}/redeliver"""

from __future__ import annotations

from functools import partial

from litestar import Controller, Router, get, post
from litestar.types import Scope as AsgiScope

from domain.shared.identifiers import CallId, EventId, SessionId
from domain.webhooks.delivery import DeliveryStatus
from domain.webhooks.manage_deliveries import ManageDeliveries
from domain.webhooks.read_deliveries import DeliveryFilter, ReadDeliveries
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import CursorQuery, IdPath, LimitQuery
from entrypoints.http.requests.listed import listed
from entrypoints.http.routing import routes_of
from entrypoints.http.webhooks import documentation
from entrypoints.http.webhooks.controller import READS, WRITES
from entrypoints.http.webhooks.schemas import (
    CallQuery,
    DeliveriesResponse,
    EventQuery,
    SessionQuery,
    StatusQuery,
    deliveries_response,
)
from entrypoints.presenters.webhooks import DeliveryResponse, delivery_response


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        DeliveriesController,
        _manage_deliveries=container.manage_deliveries,
        _read_deliveries=container.read_deliveries,
    )


class DeliveriesController(Controller):
    """Show the deliveries of an event, a session or a call; send deliveries again."""

    path = "/deliveries"
    tags = ("webhooks",)
    security = KEYED
    opt = ADMINISTRATIVE

    _manage_deliveries: ManageDeliveries
    _read_deliveries: ReadDeliveries

    @get(
        needs=READS,
        hidden=True,
        operation_class=documentation.FindDeliveries,
        summary="Deliveries of a session, a call or an event (development, or with an API key)",
        responses=LIST_RESPONSES,
    )
    async def find_deliveries(  # noqa: PLR0913, PLR0917 - each filter is a parameter
        self,
        scope: AsgiScope,
        session_id: SessionQuery = None,
        call_id: CallQuery = None,
        event_id: EventQuery = None,
        status: StatusQuery = None,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> DeliveriesResponse:
        """The newest first, to all webhooks that the key may see. Name a session, a call or an event.

        A phone call and the session that was begun for it have the same deliveries. A page ends before
        `limit` where its items would take more than 1 MiB.
        """  # noqa: E501 - lines of the OpenAPI document
        wanted = DeliveryFilter(
            session_id=query.identifier(SessionId, session_id),
            call_id=query.identifier(CallId, call_id),
            event_id=query.identifier(EventId, event_id),
            status=query.choice(DeliveryStatus, status, "status"),
        )
        read = partial(self._read_deliveries, wanted)
        return deliveries_response(await listed(scope, read, cursor, limit, delivery_response))

    @post(
        "/{deliveryId:str}/redeliver",
        needs=WRITES,
        hidden=True,
        status_code=202,
        operation_class=Operation,
        summary="Send an event to a webhook again (development, or with an API key)",
        responses=documentation.REDELIVER_RESPONSES,
    )
    async def redeliver(
        self,
        deliveryId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
    ) -> DeliveryResponse:
        """It is sent at once, whatever became of it, before other events of its session."""
        again = await self._manage_deliveries.redeliver(deliveryId, access_of(scope))
        return delivery_response(again)
