"""LiveKit's address and keys."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from entrypoints.settings import parsers
from entrypoints.settings.livekit_url import parse_livekit_url
from entrypoints.settings.variable import Problem, optional, required


@attrs.frozen(kw_only=True, slots=False)
class LiveKitSettings:
    """LiveKit's address, and the keys that sign tokens, API requests and webhooks."""

    livekit_url: str = required(
        "LIVEKIT_URL",
        parse_livekit_url,
        "the address of your LiveKit server, for example wss://my-project.livekit.cloud "
        "or ws://127.0.0.1:7880.",
    )
    other_public_url: str | None = optional("LIVEKIT_PUBLIC_URL", parse_livekit_url, None)
    livekit_api_key: str = required(
        "LIVEKIT_API_KEY", parsers.credential, "the API key that your LiveKit server knows."
    )
    livekit_api_secret: str = required(
        "LIVEKIT_API_SECRET",
        parsers.credential,
        "the secret that belongs to LIVEKIT_API_KEY.",
        secret=True,
    )
    other_webhook_api_key: str | None = optional(
        "LIVEKIT_WEBHOOK_API_KEY", parsers.credential, None
    )
    other_webhook_api_secret: str | None = optional(
        "LIVEKIT_WEBHOOK_API_SECRET", parsers.credential, None, secret=True
    )

    @property
    def livekit_public_url(self) -> str:
        """The address that clients get."""
        return self.other_public_url or self.livekit_url

    @property
    def webhook_api_key(self) -> str:
        """The key that signs webhooks."""
        return self.other_webhook_api_key or self.livekit_api_key

    @property
    def webhook_api_secret(self) -> str:
        """The secret that belongs to ``webhook_api_key``."""
        return self.other_webhook_api_secret or self.livekit_api_secret

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the combination of variables."""
        if (self.other_webhook_api_key is None) != (self.other_webhook_api_secret is None):
            present, absent = "LIVEKIT_WEBHOOK_API_KEY", "LIVEKIT_WEBHOOK_API_SECRET"
            if self.other_webhook_api_key is None:
                present, absent = absent, present
            yield Problem(
                frozenset({present, absent}), f"{absent} is missing: it belongs to {present}."
            )
