"""The errors of outgoing webhooks."""

from __future__ import annotations

from domain.shared.errors import DomainError


class WebhookChanged(DomainError):
    """Other requests keep changing the webhook."""

    code = "webhook_changed"
    status = 409
    retry_after = 1


class WebhookLimitReached(DomainError):
    """The tenant has as many webhooks as it may have."""

    code = "webhook_limit_reached"
    status = 409
    is_refusal = True
