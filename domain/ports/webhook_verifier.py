"""LiveKit's webhooks, told from forged ones."""

from __future__ import annotations

from typing import Protocol

import attrs


@attrs.frozen
class WebhookEvent:
    """A verified event.

    ``id`` is LiveKit's, or the SHA-256 of the body where it has none, so that a repeat is known.
    ``room_name`` and ``room_sid`` are empty in events that are about no room. ``body`` is what was
    received, byte by byte.
    """

    id: str
    kind: str
    room_name: str
    room_sid: str
    body: bytes


class WebhookVerifier(Protocol):
    """Checks who sent a webhook and that nobody has changed it."""

    def verify(self, body: bytes, authorization: str | None) -> WebhookEvent:
        """The event in ``body``, which ``authorization`` (a JWT) vouches for.

        Raises :class:`~domain.errors.WebhookForged` or :class:`~domain.errors.InvalidWebhook`.
        """
        ...
