"""The requests that ask pre-call webhooks."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import aiohttp

from adapters.webhooks.poster import MAX_ANSWER, NotAnswered, SignedPoster, read_answer
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.phone_numbers.webhook_exchange import NoAnswer

_RETRIED: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class HttpWebhookSender:
    """Implements :class:`domain.phone_numbers.webhook_exchange.WebhookSender`.

    Each request has a connection of its own.
    """

    def __init__(self, now: Callable[[], float], *, allow_private: bool) -> None:
        self._poster = SignedPoster(now, allow_private=allow_private)

    async def send(self, webhook: PreCallWebhook, message_id: str, body: bytes) -> bytes:
        """POST ``body`` once and return the answer. The caller bounds the time."""
        try:
            async with self._poster.post(
                webhook.url, [webhook.secret], message_id, body
            ) as response:
                return await _answer(response)
        except NotAnswered as error:
            raise NoAnswer(str(error), may_retry=error.may_retry) from None

    async def close(self) -> None:
        """Close every connection."""
        await self._poster.close()


async def _answer(response: aiohttp.ClientResponse) -> bytes:
    status = response.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRIED:
        raise NoAnswer(f"answered with the status {status}", may_retry=True)
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise NoAnswer(f"answered with the status {status}")
    body = await read_answer(response)
    if body is None:
        raise NoAnswer(f"answered with more than {MAX_ANSWER} bytes")
    return body
