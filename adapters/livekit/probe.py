"""Whether LiveKit would serve a request now."""

from __future__ import annotations

import asyncio
from typing import Final

import attrs
from livekit.api import ListRoomsRequest

from adapters.livekit.client import LiveKitClient
from adapters.livekit.errors import livekit_errors

# With a name the answer stays small; with spaces it is no name that this service gives.
_NO_ROOM: Final = "no such room"
_LIMIT_SECONDS: Final = 3.0


@attrs.frozen
class LiveKitProbe:
    """Implements :class:`domain.operations.probe.Probe`: is LiveKit there, does it take the key."""

    client: LiveKitClient

    async def check(self) -> None:
        """Return if it would; raise a ``LiveKitError`` that says why not."""
        # Without the patience of a real request: a probe must answer at once.
        with livekit_errors():
            async with asyncio.timeout(_LIMIT_SECONDS):
                await self.client.rooms.list_rooms(ListRoomsRequest(names=[_NO_ROOM]))
