"""A lane of deliveries in the process's memory."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.shared.identifiers import WebhookId

Lane = tuple[WebhookId, str]


@attrs.define
class LaneState:
    """A lane in which deliveries wait."""

    due_at: datetime
    version: int = 1
    holder: str | None = None
    expires_at: datetime | None = None

    def release(self) -> None:
        """End the lease."""
        self.holder = self.expires_at = None
