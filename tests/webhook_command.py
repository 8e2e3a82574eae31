"""Webhooks as a use case gets them, for tests without HTTP."""

from __future__ import annotations

from domain.inbox.receive_webhook import ReceiveWebhookCommand
from domain.inbox.webhook_verifier import WebhookBody


def webhook_command(
    body: bytes, authorization: str | None, trace: str | None = None
) -> ReceiveWebhookCommand:
    """The command for an uncompressed ``body`` that has arrived whole."""

    async def read() -> WebhookBody:
        return WebhookBody(body, body)

    return ReceiveWebhookCommand(authorization, read, trace)
