"""What a service has seen in the last month, for the pictures of the console."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text

from adapters.sqlalchemy.engine.database import PATIENCE
from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from domain.agents.agent_config import AgentConfig
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import AgentDispatched, ParticipantLeft, ParticipantSeen
from domain.rooms.sip_leg import LegStatus, SipLeg
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import CallId, Identity, RoomName, SessionId
from domain.shared.timeline import Source
from domain.usage.model_usage import COUNTERS

AGENTS: Final = ("receptionist", "billing", "support")
IN_THE_HOUR: Final = 80
IN_THE_MONTH: Final = 900
EVERY_NTH_FAILS: Final = 19
EVERY_NTH_IS_REPAIRED: Final = 13
"""A webhook was lost, and the reconciler found the end."""

_USED: Final = {"input_tokens": 2400, "cached_input_tokens": 800, "output_tokens": 350}


def fill(url: str) -> None:
    """Store sessions with phone calls in an empty ledger, the same ones each time."""
    asyncio.run(_fill(url))


async def _fill(url: str) -> None:
    await migrate(url)
    async with SqlStorage(url, PATIENCE) as storage:
        async with storage.unit_of_work() as work:
            for session, call in _conversations():
                await work.sessions.add(session)
                await work.calls.add(call)
            await work.commit()
        async with storage.database.writer.begin() as connection:
            for statement in _reports():
                await connection.execute(text(statement))


def _conversations() -> Iterator[tuple[Session, Call]]:
    chance, now = random.Random(7), datetime.now(UTC)
    for number in range(IN_THE_HOUR + IN_THE_MONTH):
        in_the_hour = number < IN_THE_HOUR
        latest = timedelta(hours=1) if in_the_hour else timedelta(days=29)
        began = now - timedelta(minutes=4) - (latest - timedelta(minutes=4)) * chance.random()
        yield _conversation(number, chance, began)


def _conversation(number: int, chance: random.Random, began: datetime) -> tuple[Session, Call]:
    room, sid, caller = f"call-{number:04}", f"RM_{number:04}", f"+1510555{number:04}"
    dispatched = began + timedelta(seconds=0.2)
    answered = dispatched + timedelta(seconds=0.4 + chance.expovariate(1.6))
    left = answered + timedelta(seconds=20 + 180 * chance.random())
    source = Source.WEBHOOK if number % EVERY_NTH_IS_REPAIRED else Source.RECONCILER
    session = Session(
        id=SessionId(_id(chance)),
        room_name=RoomName(room),
        identity=Identity(f"sip_{caller}"),
        agent_name=AGENTS[number % len(AGENTS)],
        agent_config=AgentConfig.parse({"prompt": "You answer calls to Acme."}),
        created_at=began,
    ).with_agent_dispatched(f"AD_{number:04}", dispatched)
    call = Call(
        id=CallId(_id(chance)),
        leg=SipLeg(
            room_name=room,
            room_sid=sid,
            participant_sid=f"PA_{number:04}",
            participant_identity=f"sip_{caller}",
            joined_at=began,
            from_number=caller,
            to_number="+15105550199",
            trunk_id="ST_acme",
        ),
    )
    ring = ParticipantSeen(LegStatus.RINGING, began, Source.WEBHOOK)
    served = AgentDispatched(session.id, dispatched)
    if number % EVERY_NTH_FAILS == 0:
        gone = ParticipantLeft(answered, source, "USER_UNAVAILABLE", LegStatus.RINGING)
        ended = session.ended(EndReason.ROOM_FINISHED, answered, source)
        return ended, apply(call, ring, served, gone)
    talk = ParticipantSeen(LegStatus.ACTIVE, answered, Source.WEBHOOK)
    gone = ParticipantLeft(left, source, "CLIENT_INITIATED", LegStatus.ACTIVE)
    joined = session.activated(sid, answered, source=Source.WEBHOOK)
    ended = joined.ended(EndReason.ROOM_FINISHED, left, source)
    return ended, apply(call, ring, served, talk, gone)


def _id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _reports() -> Iterator[str]:
    """Give each session what its worker would have reported: tokens, and three turns."""
    counters = ", ".join(COUNTERS)
    used = ", ".join(str(_USED.get(name, 0)) for name in COUNTERS)
    yield "INSERT INTO usage_reports SELECT id, id, NULL, tenant, created_at FROM sessions"
    yield (
        f"INSERT INTO usage (report_id, kind, provider, model, {counters}, others)"
        f" SELECT id, 'llm', 'openai', 'gpt-4o-mini', {used}, '{{}}' FROM sessions"
    )
    for turn in range(3):
        yield (
            "INSERT INTO turn_latencies (report_id, item_id, end_to_end_ms)"
            f" SELECT id, 'item_{turn}', 600 + {turn} * 150 + length(room_name) * 7"
            " + CAST(substr(room_name, 6) AS INTEGER) * 37 % 700 FROM sessions"
        )
