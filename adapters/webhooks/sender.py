"""Signed requests to webhooks, by aiohttp."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import aiohttp

from adapters.webhooks.public_network import PrivateAddress, Resolver, any_socket, public_socket
from adapters.webhooks.signature import signed_headers
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.phone_numbers.webhook_exchange import NoAnswer

MAX_ANSWER: Final = 16 * 1024
"""Bytes of an answer that are read."""
_RETRIED: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class HttpWebhookSender:
    """Implements :class:`domain.phone_numbers.webhook_exchange.WebhookSender`.

    Each request has a connection of its own, whose address is checked: unless ``allow_private``,
    private, loopback and link-local ones are refused, and so is every scheme but https. Redirects
    are not followed, no proxy of the environment is used, and nothing is kept between requests.
    """

    def __init__(self, now: Callable[[], float], *, allow_private: bool) -> None:
        self._now = now
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    async def send(self, webhook: PreCallWebhook, message_id: str, body: bytes) -> bytes:
        """POST ``body`` once and return the answer. The caller bounds the time."""
        if not self._allow_private and not webhook.url.startswith("https://"):
            raise NoAnswer("has a URL that is not https, which WEBHOOK_ALLOW_PRIVATE=true permits")
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "backend-livekit",
            **signed_headers(webhook.secret, message_id, int(self._now()), body),
        }
        try:
            async with self._opened().post(
                webhook.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return await _answer(response)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddress):
                raise NoAnswer("leads to an address that is not public") from None
            raise NoAnswer("could not be reached", may_retry=True) from None
        except ValueError:
            raise NoAnswer("has a URL to which nothing can be sent") from None
        except (aiohttp.ClientError, OSError):
            raise NoAnswer("broke the connection", may_retry=True) from None

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                force_close=True,
                use_dns_cache=False,
                resolver=Resolver(),
                socket_factory=any_socket if self._allow_private else public_socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session


async def _answer(response: aiohttp.ClientResponse) -> bytes:
    status = response.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRIED:
        raise NoAnswer(f"answered with the status {status}", may_retry=True)
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise NoAnswer(f"answered with the status {status}")
    parts, size = list[bytes](), 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MAX_ANSWER:
            raise NoAnswer(f"answered with more than {MAX_ANSWER} bytes")
        parts.append(part)
    return b"".join(parts)
