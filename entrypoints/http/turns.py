"""Work that takes long, a bounded amount of it at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Lets ``most`` pieces of work go on at a time, and ``of_one`` of each client's.

    So a client that asks for much waits for itself; others wait for at most one piece of each
    client.
    """

    def __init__(self, most: int, of_one: int) -> None:
        self._all = asyncio.Semaphore(most)
        self._of_one = of_one
        self._clients: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def take(self, client: str) -> AsyncIterator[None]:
        """Wait until it is ``client``'s turn."""
        mine, users = self._clients.setdefault(client, (asyncio.Semaphore(self._of_one), []))
        users.append(None)
        try:
            async with mine, self._all:
                yield
        finally:
            users.pop()
            if not users:
                del self._clients[client]
