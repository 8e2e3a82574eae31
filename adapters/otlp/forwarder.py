"""Passes workers' telemetry on to a collector (https://opentelemetry.io/docs/specs/otlp/)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
import attrs

from domain.reports.telemetry import Signal, WorkerTelemetry

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of what waits to be passed on; what comes beyond that is refused."""
_AT_ONCE: Final = 4
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_PASSED_ON: Final = ("content-type", "content-encoding")


@attrs.define
class OtlpForwarder:
    """Implements :class:`domain.reports.telemetry.TelemetrySink`.

    ``endpoint`` is the collector's, such as ``http://collector:4318``; None: everything is dropped.
    ``count`` is told what became of each message: ``forwarded``, ``dropped`` or ``failed``. One
    that the collector does not take is not sent again: telemetry is worth no queue on disk.
    """

    endpoint: str | None
    headers: Mapping[str, str] = attrs.field(repr=False)
    count: Callable[[Signal, str], None]
    _waiting: asyncio.Queue[WorkerTelemetry] = attrs.field(factory=asyncio.Queue, init=False)
    _bytes: int = attrs.field(default=0, init=False)

    def take(self, message: WorkerTelemetry) -> bool:
        """Return False if too much is waiting; otherwise it is passed on, or dropped."""
        if self.endpoint is None:
            self.count(message.signal, "dropped")
            return True
        if self._bytes + len(message.body) > MOST_BYTES:
            self.count(message.signal, "refused")
            return False
        self._bytes += len(message.body)
        self._waiting.put_nowait(message)
        return True

    async def run(self) -> None:
        """Pass on what comes, until cancelled."""
        if self.endpoint is None:
            return
        async with aiohttp.ClientSession(
            timeout=_TIMEOUT, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            await asyncio.gather(*(self._pass_on(session) for _ in range(_AT_ONCE)))

    async def _pass_on(self, session: aiohttp.ClientSession) -> None:
        while True:
            message = await self._waiting.get()
            try:
                outcome = await self._post(session, message)
            finally:
                self._bytes -= len(message.body)
            self.count(message.signal, outcome)

    async def _post(self, session: aiohttp.ClientSession, message: WorkerTelemetry) -> str:
        given = {name: value for name, value in message.headers.items() if name in _PASSED_ON}
        url = f"{(self.endpoint or '').rstrip('/')}/v1/{message.signal}"
        try:
            async with session.post(
                url, data=message.body, headers={**given, **self.headers}, allow_redirects=False
            ) as answer:
                return "forwarded" if answer.status < 300 else "failed"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return "failed"
