"""The service's application, made by its own container, without a process and without LiveKit."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.exceptions import LitestarDeprecationWarning

from entrypoints.container import Container
from entrypoints.http.app import create_app
from entrypoints.settings import Settings, load_settings
from tests.livekit_server import API_KEY, API_SECRET

ENVIRON = {
    "LIVEKIT_URL": "ws://127.0.0.1:1",
    "LIVEKIT_API_KEY": API_KEY,
    "LIVEKIT_API_SECRET": API_SECRET,
    "DATABASE_URL": "memory://",
}


def settings_with(**variables: str) -> Settings:
    """Return the settings of a service in memory, with these variables; no ``.env`` is read."""
    return load_settings({**ENVIRON, **variables}, Path("/nowhere"))


def application(**providers: Any) -> Litestar:
    """Return the application, which is not started; ``providers`` replace the container's."""
    with warnings.catch_warnings():  # what Litestar 3 will require is another matter
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        return create_app(Container(**{"settings": settings_with(), **providers}), _not_running)


@asynccontextmanager
async def _not_running(_app: Litestar) -> AsyncIterator[None]:
    yield
