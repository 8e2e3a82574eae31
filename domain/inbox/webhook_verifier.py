"""The port that verifies LiveKit's webhooks."""

from __future__ import annotations

from typing import Protocol

import attrs

from domain.rooms.room import ParticipantTraits


@attrs.frozen
class WebhookBody:
    """A webhook's body: the bytes ``received``, and the ``plain`` ones after decompression."""

    received: bytes
    plain: bytes


@attrs.frozen
class WebhookEvent:
    """A verified event.

    ``id`` is LiveKit's, or the SHA-256 of the body where it has none, so that a repeat is known.
    ``room_name`` and ``room_sid`` are empty in events that are about no room. ``body`` is the plain
    body, byte by byte. ``participant`` is not stored: it is None in an entry that was read, and
    where the event has no participant or one that the verifier cannot judge.
    """

    id: str
    kind: str
    room_name: str
    room_sid: str
    body: bytes
    participant: ParticipantTraits | None = attrs.field(default=None, eq=False)


class WebhookVerifier(Protocol):
    """Verifies a webhook in two steps: its token, before its body is read, then its body."""

    def body_digest(self, authorization: str | None) -> bytes:
        """Return the SHA-256 digest of the body that ``authorization`` (a JWT) vouches for.

        Raises :class:`~domain.shared.errors.WebhookForged`.
        """
        ...

    def event(self, body: WebhookBody, digest: bytes) -> WebhookEvent:
        """Return the event in ``body``, whose received or plain bytes must have this ``digest``.

        Raises ``WebhookForged`` or ``InvalidWebhook``.
        """
        ...
