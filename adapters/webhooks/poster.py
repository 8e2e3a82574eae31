"""Signed requests to URLs of callers, by aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from adapters.webhooks.public_network import PrivateAddress, Resolver, any_socket, public_socket
from adapters.webhooks.signature import signed_headers

MAX_ANSWER: Final = 16 * 1024
"""Bytes of an answer that are read."""
_KEPT_SECONDS: Final = 2.0
"""How long an idle connection is kept: less than servers keep it (Node.js: 5 s)."""
_KEPT_OF_HOST: Final = 16


class NotAnswered(Exception):
    """The request got no answer; the text says why, after the receiver's name.

    ``may_retry``: a second request may get one. ``was_broken``: the connection was opened, and then
    closed without an answer.
    """

    def __init__(self, reason: str, *, may_retry: bool = False, was_broken: bool = False) -> None:
        super().__init__(reason)
        self.may_retry = may_retry
        self.was_broken = was_broken


class SignedPoster:
    """POSTs JSON with signatures.

    The address of each new connection is checked: unless ``allow_private``, private, loopback and
    link-local ones are refused, and so is every scheme but https. Redirects are not followed, no
    proxy of the environment is used, and no name is remembered. With ``keep_alive`` a connection
    may serve later requests to the same host and port within two seconds; it stays on the address
    that was checked.
    """

    def __init__(
        self, now: Callable[[], float], *, allow_private: bool, keep_alive: bool = False
    ) -> None:
        self._now = now
        self._allow_private = allow_private
        self._keep_alive = keep_alive
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def post(
        self, url: str, secrets: Sequence[str], message_id: str, body: bytes
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """POST ``body`` once and yield the response. The caller bounds the time.

        Raises :class:`NotAnswered`, also where the connection fails inside the block.
        """
        if not self._allow_private and not url.startswith("https://"):
            raise NotAnswered(
                "has a URL that is not https, which WEBHOOK_ALLOW_PRIVATE=true permits"
            )
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "backend-livekit",
            **signed_headers(secrets, message_id, int(self._now()), body),
        }
        try:
            async with self._opened().post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                yield response
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddress):
                raise NotAnswered("leads to an address that is not public") from None
            raise NotAnswered("could not be reached", may_retry=True) from None
        except ValueError:
            raise NotAnswered("has a URL to which nothing can be sent") from None
        except (aiohttp.ClientError, OSError):
            raise NotAnswered("broke the connection", may_retry=True, was_broken=True) from None

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            kept = {"keepalive_timeout": _KEPT_SECONDS, "limit_per_host": _KEPT_OF_HOST}
            connector = aiohttp.TCPConnector(
                limit=0,
                use_dns_cache=False,
                resolver=Resolver(),
                socket_factory=any_socket if self._allow_private else public_socket,
                **(kept if self._keep_alive else {"force_close": True}),
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session


async def read_answer(response: aiohttp.ClientResponse) -> bytes | None:
    """Return the body; None if it is longer than :data:`MAX_ANSWER`."""
    parts, size = list[bytes](), 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MAX_ANSWER:
            response.close()
            return None
        parts.append(part)
    return b"".join(parts)
