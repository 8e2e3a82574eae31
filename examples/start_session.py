"""Start a session without HTTP: ``python start_session.py user-42``.

Run it with the Python of an environment that has the wheel (``docs/install.md``), or in a checkout
as ``python -m examples.start_session user-42``. The variables are the service's.
"""

import asyncio
import sys

from domain.use_cases.start_session import StartSessionCommand
from entrypoints.container import Container, running
from entrypoints.settings import load_settings


async def main(identity: str) -> None:
    """Print the new room's name and the token to join it with."""
    async with running(Container(settings=load_settings())) as container:
        started = await container.start_session()(StartSessionCommand(identity))
        print(started.session.room_name, started.token)  # noqa: T201


asyncio.run(main(*sys.argv[1:]))
