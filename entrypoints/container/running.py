"""Open and close what a container holds, and run its background jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from entrypoints.container.root import Container


@asynccontextmanager
async def running(container: Container) -> AsyncIterator[Container]:
    """Yield ``container`` with its connections open, for the length of the block."""
    async with container.storage(), container.livekit_client():
        await container.heartbeat().read_time()
        try:
            yield container
        finally:
            await container.ask_before_call().settled()
            await container.ledger().settled()
            await container.webhook_sender().close()
            await container.delivery_sender().close()


@asynccontextmanager
async def serving(container: Container) -> AsyncIterator[Container]:
    """Yield ``container`` as :func:`running` does, with its background jobs running."""
    async with running(container):
        heartbeat = container.heartbeat()
        await heartbeat.start()
        beating = asyncio.create_task(heartbeat.run())
        jobs = [asyncio.create_task(job.run()) for job in container.background_jobs()]
        try:
            yield container
        finally:
            await _cancelled(*jobs)
            await container.ask_before_call().settled()  # its decisions dispatch under claims
            await container.ledger().settled()
            await _cancelled(beating)  # last: other replicas take over work when it stops
            await heartbeat.stop()


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
