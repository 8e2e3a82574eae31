"""Requests that the service sends to URLs which its callers give."""

from __future__ import annotations

import attrs

from entrypoints.settings import parsers
from entrypoints.settings.variable import optional


@attrs.frozen(kw_only=True, slots=False)
class WebhookSettings:
    """Where webhooks may lead."""

    webhook_allow_private: bool = optional("WEBHOOK_ALLOW_PRIVATE", parsers.boolean, default=False)
