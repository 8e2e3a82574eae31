"""Whether LiveKit would serve a request now."""

from __future__ import annotations

import attrs
from livekit.api import ListRoomsRequest

from adapters.livekit.client import LiveKitClient
from adapters.livekit.errors import livekit_errors

# With a name the answer stays small; with spaces it is no name that this service gives.
_NO_ROOM = "no such room"


@attrs.frozen
class LiveKitProbe:
    """Implements :class:`domain.ports.probe.Probe`: is LiveKit there, does it take the key."""

    client: LiveKitClient

    async def check(self) -> None:
        """Return if it would; raise a :class:`~domain.errors.LiveKitError` that says why not."""
        with livekit_errors():
            await self.client.api.room.list_rooms(ListRoomsRequest(names=[_NO_ROOM]))
