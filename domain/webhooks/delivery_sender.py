"""The port that sends a signed request to a receiver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

import attrs

ATTEMPT_LIMIT: Final = timedelta(seconds=10)
"""For one attempt in all: the name, the connection, the request and the answer's status."""


class NotDelivered(Exception):
    """There was no answer; the text is a sentence that says why."""


@attrs.frozen(kw_only=True)
class Answer:
    """What a receiver answered; ``retry_after_seconds``: when it wants the next attempt."""

    status: int
    retry_after_seconds: float | None = None


class DeliverySender(Protocol):
    """Sends one signed request."""

    async def send(self, url: str, secrets: Sequence[str], message_id: str, body: bytes) -> Answer:
        """POST ``body`` with a signature for each of ``secrets``; the caller bounds the time.

        ``message_id`` is the same for each attempt. Raises :class:`NotDelivered`.
        """
        ...
