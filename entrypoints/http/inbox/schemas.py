"""The webhook's media types and size, and its response."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

MEDIA_TYPE: Final = "application/webhook+json"
MEDIA_TYPES: Final = (MEDIA_TYPE, "application/json")
"""LiveKit's own, and what relays make of it."""

MAX_EVENT_BYTES: Final = 1024 * 1024
"""Room for LiveKit's own limits, 64 KiB of metadata and 64 KiB of attributes for a participant and
64 KiB of metadata for a room, each escaped in JSON, and hundreds of tracks."""


class WebhookResponse(msgspec.Struct):
    """The event is stored."""

    ok: Literal[True]
