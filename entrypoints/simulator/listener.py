"""The socket, which can also refuse to be connected to."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler


class Listener:
    """Serves ``app`` on ``host:port``; port 0 takes a free one and keeps it.

    A request whose connection was dropped before its handler began takes no effect.
    """

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        app.middlewares.append(self._while_listening)
        # A request that hangs must not hold up the end.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._host = host
        self._site: web.TCPSite | None = None
        self._recovery: asyncio.Task[None] | None = None
        self.port = port

    async def start(self) -> None:
        """Begin to serve. Raises :class:`OSError` if the port is taken."""
        await self._runner.setup()
        await self.accept()

    async def stop(self) -> None:
        """Close everything for good; requests that hang are cancelled."""
        if self._recovery is not None:
            self._recovery.cancel()
        await self._runner.cleanup()

    async def refuse(self, seconds: float | None = None) -> None:
        """Stop listening and drop every connection, so that connecting is refused.

        After ``seconds``, or :meth:`accept`, it listens again.
        """
        if self._site is not None:
            await self._site.stop()
            self._site = None
        for connection in self._runner.server.connections if self._runner.server else ():
            connection.force_close()
        if seconds is not None:
            self._recovery = asyncio.create_task(self._accept_after(seconds))

    async def accept(self) -> None:
        """Listen (again)."""
        if self._site is None:
            site = web.TCPSite(self._runner, self._host, self.port)
            await site.start()
            self._site = site
            self.port = self._runner.addresses[0][1]

    @web.middleware
    async def _while_listening(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what was read before the connections were dropped, as its sender tries again."""
        if self._site is None:
            raise web.HTTPServiceUnavailable
        return await handler(request)

    async def _accept_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.accept()
