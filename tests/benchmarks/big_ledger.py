"""A ledger of many sessions and calls whose filters match in awkward ways, on either database.

Of four rows one is acme's, one is beta's and two are nobody's; every other column goes with that,
so that filters which match a half or a quarter of the rows each have no row in common. One row, the
oldest, has values of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from adapters.sqlalchemy.calls.table import calls
from adapters.sqlalchemy.sessions.table import sessions
from adapters.sqlalchemy.storage import SqlStorage
from domain.agents.agent_config import AgentConfig
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import ParticipantLeft
from domain.rooms.sip_leg import Direction, SipLeg
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import CallId, Identity, RoomName, SessionId
from domain.shared.timeline import Source

OURS: Final = "+15105550100"
"""Who calls in every outbound call, and is called in every inbound one."""
OLDEST: Final = "oldest"
BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When the oldest row was created; the others a second apart."""
_EXAMPLE: Final = "01a2074e-8b46-7010-b8f8-28073a54b3a7"

_TENANT: Final = (
    f"CASE WHEN i = 0 THEN '{OLDEST}' WHEN i % 4 = 0 THEN 'acme' WHEN i % 4 = 1 THEN 'beta' END"
)
_DIFFERENT: Final[Mapping[str, Mapping[str, str]]] = {
    "sessions": {
        "room_name": "CASE WHEN i % 1000 = 1 THEN 'lobby' ELSE 'room-' || i END",
        "identity": f"CASE WHEN i = 0 THEN '{OLDEST}' WHEN i % 2 = 0 THEN 'everybody'"
        " ELSE 'user-' || (i % 5000) END",
        "status": "CASE WHEN i = 0 THEN 'active' WHEN i % 4 = 0 THEN 'dispatch_failed'"
        " ELSE 'ended' END",
        "tenant": _TENANT,
    },
    "calls": {
        "room_name": "CASE WHEN i % 1000 = 1 THEN 'lobby' ELSE 'room-' || i END",
        "room_sid": "'RM_' || i",
        "participant_sid": "'PA_' || i",
        "direction": "CASE WHEN i % 4 < 2 THEN 'outbound' ELSE 'inbound' END",
        "from_number": f"CASE WHEN i = 0 THEN '{OLDEST}' WHEN i % 4 < 2 THEN '{OURS}'"
        " ELSE '+1510' || (i % 5000) END",
        "to_number": f"CASE WHEN i = 0 THEN '{OLDEST}' WHEN i % 4 >= 2 THEN '{OURS}'"
        " ELSE '+1510' || (i % 5000) END",
        "status": "CASE WHEN i = 0 THEN 'active' WHEN i % 2 = 0 THEN 'ended' ELSE 'failed' END",
        "tenant": _TENANT,
    },
}
"""Columns that differ from row to row, as expressions in the row's number ``i``."""

_SQLITE: Final = (
    "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < {last}) ",
    "printf('%08x-0000-7000-8000-%012x', i, i)",
    "strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', '+' || i || ' seconds')",
)
_POSTGRES: Final = (
    "WITH numbers(i) AS (SELECT generate_series(0, {last})) ",
    "lpad(to_hex(i), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(i), 12, '0')",
    "timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second'",
)


async def fill(storage: SqlStorage, number: int) -> None:
    """Store ``number`` sessions and as many calls in an empty ledger; its indexes come last."""
    await _add_examples(storage)
    numbers, new_id, created_at = _SQLITE if storage.database.embedded else _POSTGRES
    indexes = [index for table in (sessions, calls) for index in table.indexes]
    async with storage.database.writer.begin() as connection:
        for index in indexes:
            await connection.run_sync(index.drop)
        for table, different in _DIFFERENT.items():
            example = (await connection.execute(text(f"SELECT * FROM {table}"))).mappings().one()
            values = {
                **{name: f"example.{name}" for name in example},
                **different,
                "id": new_id,
                "created_at": created_at,
            }
            await connection.execute(
                text(
                    f"{numbers.format(last=number - 1)}"
                    f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())}"
                    f" FROM numbers, {table} AS example"
                )
            )
            await connection.execute(text(f"DELETE FROM {table} WHERE id = '{_EXAMPLE}'"))
        for index in indexes:
            await connection.run_sync(index.create)


async def analyze(storage: SqlStorage) -> None:
    """Let the planner count the rows and their values."""
    async with storage.database.reader.connect() as connection:
        await connection.execute(text("ANALYZE"))


async def _add_examples(storage: SqlStorage) -> None:
    session = Session(
        id=SessionId(_EXAMPLE),
        room_name=RoomName("example"),
        identity=Identity("example"),
        agent_name="agent",
        agent_config=AgentConfig.parse(None),
        created_at=BEGUN,
    )
    leg = SipLeg(
        room_name="example",
        room_sid="RM_example",
        participant_sid="PA_example",
        participant_identity="sip_example",
        joined_at=BEGUN,
        direction=Direction.INBOUND,
    )
    async with storage.unit_of_work() as work:
        await work.sessions.add(session.ended(EndReason.ROOM_FINISHED, BEGUN))
        await work.calls.add(
            apply(Call(id=CallId(_EXAMPLE), leg=leg), ParticipantLeft(BEGUN, Source.WEBHOOK))
        )
        await work.commit()
