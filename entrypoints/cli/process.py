"""What commands share: the ledger that DATABASE_URL names, and the way to be stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from application.settings import Storage
from domain.shared.errors import StorageUnavailable
from entrypoints.container import Container
from entrypoints.settings import load_settings

LEDGER_VARIABLES: Final = ("DATABASE_URL", "WEBHOOK_ALLOW_PRIVATE")
"""All that a command needs that only reads or changes the ledger."""


@asynccontextmanager
async def ledger(*others: str) -> AsyncIterator[Container]:
    """Yield a container whose database is open; it has no address and no keys of LiveKit.

    ``others`` names variables that the command uses beside ``LEDGER_VARIABLES``.
    Raises :class:`~domain.shared.errors.StorageUnavailable`, also if DATABASE_URL is memory.
    """
    settings = load_settings(only=(*LEDGER_VARIABLES, *others))
    if settings.storage is Storage.MEMORY:
        raise StorageUnavailable(
            "DATABASE_URL is memory://, so the ledger is inside the service's process, where only "
            "its HTTP routes reach it."
        )
    container = Container(settings=settings)
    async with container.storage():
        yield container


def stop_signal() -> asyncio.Event:
    """Set by Ctrl-C and by SIGTERM, which from now on do nothing else."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Whether ``stop`` is set within that time."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
