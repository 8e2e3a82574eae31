"""Opening ledgers and filling them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import uuid_utils

from adapters.memory.unit_of_work import MemoryLedger
from adapters.sqlalchemy.database import PATIENCE
from adapters.sqlalchemy.ledger import SqlLedger
from adapters.sqlalchemy.migrations import migrate
from domain.agent_config import AgentConfig
from domain.identifiers import Identity, RoomName, SessionId
from domain.session import Session

NOON = datetime(2026, 1, 31, 12, 0, 0, 123000, UTC)


@asynccontextmanager
async def opened(
    database_url: str, patience: timedelta = PATIENCE
) -> AsyncIterator[MemoryLedger | SqlLedger]:
    """The ledger at ``database_url``, its schema in place."""
    if database_url == "memory://":
        async with MemoryLedger() as in_memory:
            yield in_memory
        return
    if database_url.startswith("postgresql"):
        await migrate(database_url)
    async with SqlLedger(database_url, patience) as ledger:
        yield ledger


def new_session(room: RoomName | None = None, **changes: Any) -> Session:
    """A session that nobody has stored, in ``room`` or one that nobody has used."""
    values: dict[str, Any] = {
        "id": new_id(),
        "room_name": room or new_room(),
        "identity": Identity("user-42"),
        "agent_name": "agent",
        "agent_config": AgentConfig.parse(None),
        "created_at": NOON,
    }
    return Session(**(values | changes))


def new_room() -> RoomName:
    """A room that nobody has used."""
    return RoomName(f"room-{uuid_utils.uuid7()}")


def new_id() -> SessionId:
    """An id that no session has."""
    return SessionId(str(uuid_utils.uuid7()))
