"""Connections to public addresses only."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

from domain.phone_numbers.pre_call_webhook import is_public

_THREADS: Final = 32
"""Look-ups of names at the same time: each takes a thread until the system gives up."""


class PrivateAddress(OSError):
    """The address is not public, and nothing was sent to it."""


def public_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for an address of ``getaddrinfo``. Raises :class:`PrivateAddress`.

    It is the last step before the connection, so that it sees each address that is used: whatever
    a name resolves to now, and numbers that only look like a name.
    """
    family, kind, protocol, _, where = address
    if not is_public(str(where[0])):
        raise PrivateAddress
    return any_socket((family, kind, protocol, "", where))


def any_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for any address."""
    made = socket.socket(address[0], address[1], address[2])
    made.settimeout(0)
    return made


class Resolver(AbstractResolver):
    """Look names up in threads of its own, so that slow ones hold up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of ``host``. Raises ``OSError``."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, _look_up, host, port, family
        )
        return [
            ResolveResult(
                hostname=host, host=str(where[0]), port=port, family=of, proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for of, _, protocol, _, where in found
        ]  # fmt: skip

    async def close(self) -> None:
        """Leave threads that still wait to themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
    return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
