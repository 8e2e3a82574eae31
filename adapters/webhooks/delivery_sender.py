"""The requests that deliver domain events."""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Final

import aiohttp

from adapters.webhooks.poster import NotAnswered, SignedPoster, read_answer
from domain.webhooks.delivery_sender import Answer, NotDelivered

_BODY_SECONDS: Final = 1.0
"""How long an answer's body is read: the status alone decides, so nothing waits for the rest."""
_LONGEST_NUMBER: Final = 9
"""Digits of a Retry-After that are read."""


class HttpDeliverySender:
    """Implements :class:`domain.webhooks.delivery_sender.DeliverySender`.

    Connections are kept for later deliveries to the same receiver.
    """

    def __init__(self, now: Callable[[], float], *, allow_private: bool) -> None:
        self._now = now
        self._poster = SignedPoster(now, allow_private=allow_private, keep_alive=True)

    async def send(self, url: str, secrets: Sequence[str], message_id: str, body: bytes) -> Answer:
        """POST ``body`` and return the answer's status. The caller bounds the time."""
        try:
            return await self._once(url, secrets, message_id, body)
        except NotAnswered as error:
            if not error.was_broken:
                raise NotDelivered(f"The receiver {error}.") from None
        # Perhaps the server has just closed an idle connection: that is no failure of its own.
        try:
            return await self._once(url, secrets, message_id, body)
        except NotAnswered as error:
            raise NotDelivered(f"The receiver {error}.") from None

    async def _once(self, url: str, secrets: Sequence[str], message_id: str, body: bytes) -> Answer:
        async with self._poster.post(url, secrets, message_id, body) as response:
            retry_after = self._seconds(response.headers.get("Retry-After"))
            answer = Answer(status=response.status, retry_after_seconds=retry_after)
            try:
                async with asyncio.timeout(_BODY_SECONDS):
                    await read_answer(response)
            except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
                response.close()
            return answer

    def _seconds(self, raw: str | None) -> float | None:
        """Return the seconds of a ``Retry-After`` (RFC 9110, 10.2.3); None if it has none."""
        if raw is None:
            return None
        if raw.isascii() and raw.isdigit():
            return float(raw[:_LONGEST_NUMBER])
        try:
            at = email.utils.parsedate_to_datetime(raw)
        except (ValueError, OverflowError):
            return None
        return max((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - self._now(), 0.0)

    async def close(self) -> None:
        """Close every connection."""
        await self._poster.close()
