"""The webhook that is asked how to answer a call."""

from __future__ import annotations

from typing import Final

import attrs

from domain.shared.webhook_secret import check_secret
from domain.shared.webhook_target import check_url

FIELD: Final = "preCallWebhook"
_EXAMPLE: Final = "https://example.com/calls"


@attrs.frozen(kw_only=True)
class PreCallWebhook:
    """Where to ask, and the secret that signs the request."""

    url: str
    secret: str = attrs.field(repr=False)


def pre_call_url(given: object, *, allow_private: bool) -> str:
    """Return the URL. Raises :class:`InvalidInput` naming ``preCallWebhook.url``."""
    return check_url(given, field=f"{FIELD}.url", example=_EXAMPLE, allow_private=allow_private)


def pre_call_secret(given: object) -> str:
    """Return the secret. Raises :class:`InvalidInput` naming ``preCallWebhook.secret``."""
    return check_secret(given, field=f"{FIELD}.secret")
