"""Starts a session without HTTP: ``LIVEKIT_URL=… python -m examples.start_session user-42``."""

import asyncio
import sys

from domain.access.access import SYSTEM
from domain.sessions.start_session import StartSessionCommand
from entrypoints.container import Container, running
from entrypoints.settings import load_settings


async def main(identity: str) -> None:
    """Print the new room's name and the token to join it with."""
    async with running(Container(settings=load_settings())) as container:
        started = await container.start_session()(StartSessionCommand(identity, access=SYSTEM))
        print(started.session.room_name, started.token)  # noqa: T201


asyncio.run(main(*sys.argv[1:]))
