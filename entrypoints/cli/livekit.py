"""What commands share that ask LiveKit and need no ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from entrypoints.container import Container
from entrypoints.settings import load_settings

LIVEKIT_VARIABLES: Final = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


@asynccontextmanager
async def livekit() -> AsyncIterator[Container]:
    """Yield a container whose LiveKit client is open; its database is not."""
    container = Container(settings=load_settings(only=LIVEKIT_VARIABLES))
    async with container.livekit_client():
        yield container
