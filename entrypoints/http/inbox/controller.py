"""POST /telephony/livekit-webhook"""

from __future__ import annotations

from litestar import Controller, Router, post

from domain.inbox.receive_webhook import ReceiveWebhook, ReceiveWebhookCommand
from domain.inbox.webhook_verifier import WebhookBody
from entrypoints.container import Container
from entrypoints.http.inbox.documentation import RESPONSES, WebhookOperation
from entrypoints.http.inbox.schemas import (
    MAX_EVENT_BYTES,
    MEDIA_TYPE,
    MEDIA_TYPES,
    WebhookResponse,
)
from entrypoints.http.middleware.request_log import trace_parent
from entrypoints.http.openapi.document import LIVEKIT_JWT
from entrypoints.http.requests.content_coding import GZIP, coding_of, decompressed
from entrypoints.http.requests.json_request import JsonRequest, UnsupportedMediaType
from entrypoints.http.routing import routes_of


def routes(container: Container) -> Router:
    """Return the route, with the use case that it calls."""
    return routes_of(InboxController, _receive_webhook=container.receive_webhook)


class InboxController(Controller):
    """Receive LiveKit's webhooks."""

    tags = ("telephony",)
    security = ({LIVEKIT_JWT: []},)

    _receive_webhook: ReceiveWebhook

    @post(
        "/telephony/livekit-webhook",
        public=True,
        operation_class=WebhookOperation,
        status_code=200,
        request_max_body_size=MAX_EVENT_BYTES,
        summary="Take a webhook of LiveKit's",
        responses=RESPONSES,
    )
    async def livekit_webhook(self, request: JsonRequest) -> WebhookResponse:
        """Store an event that LiveKit has signed, then answer; a repeat changes nothing.

        The body is what LiveKit sends (https://docs.livekit.io/home/server/webhooks/), the
        `Authorization` header its JWT. The checks come in this order: the content type and coding
        (415), the JWT (401), the body's size (413), the body's hash (401), the event (400). So the body
        of a sender without a valid JWT is not read.
        """  # noqa: E501 - lines of the OpenAPI document
        media_type, _ = request.content_type
        if media_type not in MEDIA_TYPES:
            raise UnsupportedMediaType(media_type, MEDIA_TYPE)
        coding = coding_of(request.headers, supported=(GZIP,))

        async def read_body() -> WebhookBody:
            try:
                received = await request.body()
                return WebhookBody(received, decompressed(received, coding, MAX_EVENT_BYTES))
            finally:
                request.drop_body()

        await self._receive_webhook(
            ReceiveWebhookCommand(
                request.headers.get("authorization"), read_body, trace_parent(request.scope)
            )
        )
        return WebhookResponse(ok=True)
