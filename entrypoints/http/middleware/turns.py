"""Work that takes long, a bounded amount of it at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

LONG_SECONDS: Final = 0.005
LONGEST_REST_SECONDS: Final = 0.25


class Turns:
    """Lets ``most`` pieces of work go on at a time, and ``of_one`` of each client's.

    So a client that asks for much waits for itself; others wait for at most one piece of each
    client. After a piece that took more than ``LONG_SECONDS`` its client's next one waits for
    ``rest`` times as long as it took.
    """

    def __init__(self, most: int, of_one: int, rest: float = 0.0) -> None:
        self._all = asyncio.Semaphore(most)
        self._of_one = of_one
        self._rest = rest
        self._clients: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def take(self, client: str) -> AsyncIterator[None]:
        """Wait until it is ``client``'s turn."""
        mine, users = self._clients.setdefault(client, (asyncio.Semaphore(self._of_one), []))
        users.append(None)
        rest, loop = 0.0, asyncio.get_running_loop()
        try:
            await mine.acquire()
            try:
                async with self._all:
                    began = loop.time()
                    yield
                    rest = self._rest_after(loop.time() - began)
            finally:
                if rest:
                    users.append(None)
                    loop.call_later(rest, self._leave, client, mine)
                else:
                    mine.release()
        finally:
            self._forget(client)

    def _rest_after(self, took: float) -> float:
        return min(self._rest * took, LONGEST_REST_SECONDS) if took > LONG_SECONDS else 0.0

    def _leave(self, client: str, mine: asyncio.Semaphore) -> None:
        mine.release()
        self._forget(client)

    def _forget(self, client: str) -> None:
        _, users = self._clients[client]
        users.pop()
        if not users:
            del self._clients[client]
