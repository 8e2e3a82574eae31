"""/webhooks, /webhooks/{webhookId}, …/rotate-secret, …/test and …/deliveries."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

from litestar import Controller, Response, Router, delete, get, patch, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.webhooks.add_webhook_once import AddWebhookOnce
from domain.webhooks.delivery import DeliveryStatus
from domain.webhooks.manage_deliveries import ManageDeliveries
from domain.webhooks.manage_webhooks import ManageWebhooks
from domain.webhooks.try_webhook import TryWebhook
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES, read_responses
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import CursorQuery, IdPath, LimitQuery
from entrypoints.http.requests.idempotency import IdempotencyKey, repeatable
from entrypoints.http.requests.listed import listed
from entrypoints.http.routing import routes_of
from entrypoints.http.webhooks import documentation
from entrypoints.http.webhooks.schemas import (
    ChangeWebhookRequest,
    CreateWebhookRequest,
    DeliveriesResponse,
    StatusQuery,
    WebhooksResponse,
    deliveries_response,
    fields_of,
    repeated_response,
    stored_response,
    webhooks_response,
)
from entrypoints.presenters.webhooks import (
    TestResponse,
    WebhookResponse,
    delivery_response,
    test_response,
    webhook_response,
)

READS: Final = (Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE)
WRITES: Final = (Scope.WEBHOOKS_WRITE,)


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        WebhooksController,
        _manage_webhooks=container.manage_webhooks,
        _add_webhook_once=container.add_webhook_once,
        _try_webhook=container.try_webhook,
        _manage_deliveries=container.manage_deliveries,
    )


class WebhooksController(Controller):
    """Store, change, read, test and delete webhooks, and list their deliveries."""

    path = "/webhooks"
    tags = ("webhooks",)
    security = KEYED
    opt = ADMINISTRATIVE

    _manage_webhooks: ManageWebhooks
    _add_webhook_once: AddWebhookOnce
    _try_webhook: TryWebhook
    _manage_deliveries: ManageDeliveries

    @post(
        needs=WRITES,
        hidden=True,
        status_code=201,
        operation_class=documentation.CreateWebhook,
        summary="Have events sent to a URL (development, or with an API key)",
        responses=documentation.CREATE_RESPONSES,
    )
    async def create_webhook(
        self,
        data: Annotated[CreateWebhookRequest, documentation.CREATE_BODY],
        scope: AsgiScope,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[WebhookResponse]:
        """It gets what happens from now on, of the tenants that the request may see."""
        given, access, replayed = fields_of(data), access_of(scope), False
        if idempotency_key is None:
            webhook = await self._manage_webhooks.create(given, access)
            response = webhook_response(webhook, with_secret=True)
        else:
            done = await self._add_webhook_once(idempotency_key, given, access, stored_response)
            response, replayed = repeated_response(done.text), done.replayed
        return repeatable(response, replayed=replayed)

    @get(
        needs=READS,
        hidden=True,
        operation_class=documentation.ListWebhooks,
        summary="Webhooks, the newest first (development, or with an API key)",
        responses=LIST_RESPONSES,
    )
    async def list_webhooks(
        self, scope: AsgiScope, cursor: CursorQuery = None, limit: LimitQuery = None
    ) -> WebhooksResponse:
        """A page ends before `limit` where its items would take more than 1 MiB."""
        page = await listed(scope, self._manage_webhooks.page, cursor, limit, webhook_response)
        return webhooks_response(page)

    @get(
        "/{webhookId:str}",
        needs=READS,
        hidden=True,
        operation_class=documentation.WebhookById,
        summary="A webhook (development, or with an API key)",
        responses=documentation.READ_RESPONSES,
    )
    async def webhook_by_id(
        self,
        webhookId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
    ) -> WebhookResponse:
        """Its secret is not shown again."""
        found = await self._manage_webhooks.by_id(webhookId, access_of(scope))
        return webhook_response(found)

    @patch(
        "/{webhookId:str}",
        needs=WRITES,
        hidden=True,
        operation_class=documentation.ChangeWebhook,
        summary="Change a webhook (development, or with an API key)",
        responses=documentation.CHANGE_RESPONSES,
    )
    async def change_webhook(
        self,
        webhookId: IdPath,  # noqa: N803 - the name in the path
        data: Annotated[ChangeWebhookRequest, documentation.CHANGE_BODY],
        scope: AsgiScope,
    ) -> WebhookResponse:
        """Replace the fields that the body has. What waits already goes to the new URL."""
        changed = await self._manage_webhooks.change(webhookId, fields_of(data), access_of(scope))
        return webhook_response(changed)

    @delete(
        "/{webhookId:str}",
        needs=WRITES,
        hidden=True,
        status_code=204,
        operation_class=Operation,
        summary="Delete a webhook (development, or with an API key)",
        responses=documentation.DELETE_RESPONSES,
    )
    async def delete_webhook(
        self,
        webhookId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
    ) -> None:
        """What waits for it is not sent any more."""
        await self._manage_webhooks.delete(webhookId, access_of(scope))

    @post(
        "/{webhookId:str}/rotate-secret",
        needs=WRITES,
        hidden=True,
        status_code=200,
        operation_class=Operation,
        summary="Replace a webhook's secret (development, or with an API key)",
        responses=documentation.ROTATE_RESPONSES,
    )
    async def rotate_webhook_secret(
        self,
        webhookId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
    ) -> WebhookResponse:
        """For 24 hours requests have a signature of the old secret, too."""
        rotated = await self._manage_webhooks.rotate_secret(webhookId, access_of(scope))
        return webhook_response(rotated, with_secret=True)

    @post(
        "/{webhookId:str}/test",
        needs=WRITES,
        hidden=True,
        status_code=200,
        operation_class=Operation,
        summary="Send a test event to a webhook (development, or with an API key)",
        responses=documentation.TEST_RESPONSES,
    )
    async def test_webhook(
        self,
        webhookId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
    ) -> TestResponse:
        """Send `webhook.test` at once, and answer with what the receiver answered within 10 s."""
        return test_response(await self._try_webhook(webhookId, access_of(scope)))

    @get(
        "/{webhookId:str}/deliveries",
        needs=READS,
        hidden=True,
        operation_class=documentation.ListDeliveries,
        summary="A webhook's deliveries, the newest first (development, or with an API key)",
        responses=LIST_RESPONSES | read_responses("There is no such webhook."),
    )
    async def list_deliveries(
        self,
        webhookId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
        status: StatusQuery = None,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> DeliveriesResponse:
        """A page ends before `limit` where its items would take more than 1 MiB."""
        wanted = query.choice(DeliveryStatus, status, "status")
        read = partial(self._manage_deliveries.page, webhookId, status=wanted)
        return deliveries_response(await listed(scope, read, cursor, limit, delivery_response))
