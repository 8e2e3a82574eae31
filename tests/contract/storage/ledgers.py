"""Opening ledgers and filling them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import uuid_utils
from sqlalchemy import Engine, event

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.engine.database import PATIENCE
from adapters.sqlalchemy.storage import SqlStorage
from adapters.system.clock import SystemClock
from adapters.system.ids import UuidIds
from application.settings import END_GRACE
from domain.access.access import WORK, Access
from domain.agents.agent_config import AgentConfig
from domain.calls.call import Call
from domain.events.announcer import Announcer
from domain.inbox.entry import InboxEntry
from domain.inbox.webhook_verifier import WebhookEvent
from domain.rooms.sip_leg import SipLeg
from domain.sessions.session import Session
from domain.shared.identifiers import CallId, Identity, RoomName, SessionId
from entrypoints.presenters.events import event_data

NOON = datetime(2026, 1, 31, 12, 0, 0, 123000, UTC)


@asynccontextmanager
async def opened(
    database_url: str,
    patience: timedelta = PATIENCE,
    *,
    announcer: Announcer | None = None,
    announces: bool = True,
) -> AsyncIterator[MemoryStorage | SqlStorage]:
    """The ledger at ``database_url``, which is migrated; without events unless it ``announces``."""
    announcer = (announcer or new_announcer()) if announces else None
    if database_url == "memory://":
        async with MemoryStorage(announcer) as in_memory:
            yield in_memory
        return
    async with SqlStorage(database_url, patience, announcer=announcer) as ledger:
        yield ledger


def new_announcer(**changes: Any) -> Announcer:
    """What makes the events of a ledger's changes, as in production."""
    values: dict[str, Any] = {
        "ids": UuidIds(),
        "clock": SystemClock(),
        "present": event_data,
        "grace": END_GRACE,
    }
    return Announcer(**(values | changes))


def engines(storage: SqlStorage) -> list[Engine]:
    """Every engine that speaks to the database, to listen to what it sends."""
    database = storage.database
    threads = [thread.engine for thread in database.threads or ()]
    direct = [] if database.direct is None else [database.direct.engine]
    return [database.reader.sync_engine, database.writer.sync_engine, *threads, *direct]


def noted(storage: SqlStorage) -> list[tuple[str, Any]]:
    """Statements and their parameters, as they are sent from now on."""
    sent = list[tuple[str, Any]]()
    note_statements(storage, lambda statement, parameters: sent.append((statement, parameters)))
    return sent


def note_statements(storage: SqlStorage, note: Callable[[str, Any], object]) -> None:
    """Call ``note`` with each statement and its parameters, as they are sent from now on.

    What SQLite's threads carry out comes from SQLite itself, with its parameters in it and each row
    of many by itself: not all of it passes SQLAlchemy.
    """
    database = storage.database

    def before(_c: Any, _d: Any, statement: str, parameters: Any, *_: Any) -> None:
        note(statement, parameters)

    def trace(driver: Any, *_: object) -> None:
        driver.set_trace_callback(lambda statement: note(statement, ()))

    def trace_begun(connection: Any) -> None:
        trace(connection.connection.driver_connection)

    if database.direct is not None:
        database.direct.dispose()  # it opens the file again, and then
        event.listen(database.direct.engine, "connect", trace)
    for engine in (database.reader.sync_engine, database.writer.sync_engine):
        event.listen(engine, "before_cursor_execute", before)
    for thread in database.threads or ():
        event.listen(thread.engine, "begin", trace_begun, insert=True)


def access_of(tenant: str | None, *, sees_unowned: bool = False) -> Access:
    """What a key of ``tenant`` sees."""
    return Access(tenant=tenant, scopes=WORK, sees_unowned=sees_unowned)


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


def new_call(**changes: Any) -> Call:
    """A call that nobody has stored, of a participant whom nobody knows."""
    number = uuid_utils.uuid7()
    leg: dict[str, Any] = {
        "room_name": f"call-_+{number}",
        "room_sid": f"RM_{number}",
        "participant_sid": f"PA_{number}",
        "participant_identity": "sip_+15105550100",
        "joined_at": NOON,
    }
    names = {field.name for field in attrs.fields(SipLeg)}
    leg |= {name: changes.pop(name) for name in names & changes.keys()}
    values: dict[str, Any] = {"id": CallId(str(number)), "leg": SipLeg(**leg)}
    return Call(**(values | changes))


def leg_of(call: Call) -> SipLeg:
    """The leg of a call that is not being dialled."""
    assert call.leg is not None
    return call.leg


def new_entry(room: str = "room-1", **changes: Any) -> InboxEntry:
    """An entry that nobody has stored, due at noon."""
    event: dict[str, Any] = {
        "id": f"EV_{uuid_utils.uuid7()}",
        "kind": "participant_joined",
        "room_name": room,
        "room_sid": "RM_1",
        "body": b"{}",
    }
    names = {field.name for field in attrs.fields(WebhookEvent)}
    event |= {name: changes.pop(name) for name in names & changes.keys()}
    values: dict[str, Any] = {"event": WebhookEvent(**event), "received_at": NOON, "due_at": NOON}
    return InboxEntry(**(values | changes))


def new_room() -> RoomName:
    """A room that nobody has used."""
    return RoomName(f"room-{uuid_utils.uuid7()}")


def new_id() -> SessionId:
    """An id that no session has."""
    return SessionId(str(uuid_utils.uuid7()))
