"""POST /deliveries/{deliveryId}/redeliver"""

from __future__ import annotations

from litestar import Controller, Router, post
from litestar.types import Scope as AsgiScope

from domain.webhooks.manage_deliveries import ManageDeliveries
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.openapi.document import KEYED
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests.fields import IdPath
from entrypoints.http.routing import routes_of
from entrypoints.http.webhooks import documentation
from entrypoints.http.webhooks.controller import WRITES
from entrypoints.presenters.webhooks import DeliveryResponse, delivery_response


def routes(container: Container) -> Router:
    """Return the route, with the use case that it calls."""
    return routes_of(DeliveriesController, _manage_deliveries=container.manage_deliveries)


class DeliveriesController(Controller):
    """Send deliveries again."""

    path = "/deliveries"
    tags = ("webhooks",)
    security = KEYED
    opt = ADMINISTRATIVE

    _manage_deliveries: ManageDeliveries

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
