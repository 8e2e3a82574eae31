"""Hand-written stand-ins for the domain's ports: time, ids, tokens, the ledger.

LiveKit's is in ``fake_livekit.py``. The ledger is the memory adapter, slowed down.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, MutableMapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self, cast

import attrs

from adapters.memory.storage import MemoryStorage
from application.settings import END_GRACE
from domain.calls.call import Call
from domain.calls.repository import CallRepository
from domain.events.announcer import Announcer
from domain.idempotency.repository import Idempotency
from domain.inbox.repository import Inbox
from domain.operations.leases import Leases
from domain.rooms.token_options import TokenOptions
from domain.sessions.repository import SessionRepository
from domain.sessions.session import Session
from domain.shared.errors import DomainError, StorageUnavailable
from domain.shared.identifiers import (
    AgentId,
    CallId,
    DeliveryId,
    EventId,
    Identity,
    PhoneNumberId,
    RecordingId,
    ReportId,
    RoomName,
    SessionId,
    TicketId,
    WebhookId,
)
from domain.tickets.repository import TicketRepository
from tests.unit.worlds.steps import Crashed, Steps

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeClock:
    """Time that passes when a test says so, or when somebody sleeps."""

    def __init__(self, steps: Steps | None = None) -> None:
        self._now = NOON
        self._passed = timedelta(0)
        self._steps = steps or Steps()
        self.slept: list[timedelta] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed.total_seconds()

    def advance(self, duration: timedelta) -> None:
        self._now += duration
        self._passed += duration

    def step(self, duration: timedelta) -> None:
        """Set the clock: no time passes."""
        self._now += duration

    async def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        wakes_at = self._passed + duration  # those who sleep together wake together
        await self._steps()
        self.advance(max(wakes_at - self._passed, timedelta(0)))


class SequentialIds:
    """Ids in the order in which they are asked for."""

    def __init__(self) -> None:
        self._count = 0

    def _next(self) -> int:
        self._count += 1
        return self._count

    def session_id(self) -> SessionId:
        return SessionId(f"00000000-0000-7000-8000-{self._next():012x}")

    def call_id(self) -> CallId:
        return CallId(f"00000000-0000-7000-a000-{self._next():012x}")

    def agent_id(self) -> AgentId:
        return AgentId(f"00000000-0000-7000-b000-{self._next():012x}")

    def phone_number_id(self) -> PhoneNumberId:
        return PhoneNumberId(f"00000000-0000-7000-c000-{self._next():012x}")

    def ticket_id(self) -> TicketId:
        return TicketId(f"00000000-0000-7000-d000-{self._next():012x}")

    def event_id(self) -> EventId:
        return EventId(f"00000000-0000-7000-d100-{self._next():012x}")

    def webhook_id(self) -> WebhookId:
        return WebhookId(f"00000000-0000-7000-d200-{self._next():012x}")

    def delivery_id(self) -> DeliveryId:
        return DeliveryId(f"00000000-0000-7000-d300-{self._next():012x}")

    def report_id(self) -> ReportId:
        return ReportId(f"00000000-0000-7000-d400-{self._next():012x}")

    def recording_id(self) -> RecordingId:
        return RecordingId(f"00000000-0000-7000-d500-{self._next():012x}")

    def room_name(self) -> RoomName:
        return RoomName(f"room-00000000-0000-7000-9000-{self._next():012x}")

    def process_id(self) -> str:
        return f"process-{self._next()}"

    def claim_holder(self) -> str:
        return f"holder-{self._next()}"


class ReadableTokens:
    """Tokens a test can read."""

    def join_token(self, identity: Identity, room_name: RoomName, options: TokenOptions) -> str:
        chosen = {key: value for key, value in options.chosen.items() if key != "ttl"}
        admits = f"{identity} may join {room_name} for {options.ttl.total_seconds():.0f} s"
        return f"{admits} with {chosen}" if chosen else admits


class InMemoryLedger:
    """Makes units of work on the memory adapter that stop at every step.

    ``broken`` fails every call. With ``kills`` whoever was cancelled reaches it no more, as a
    process that was killed doesn't.
    """

    def __init__(self, steps: Steps | None = None, clock: FakeClock | None = None) -> None:
        self.steps = steps or Steps()
        self.memory = MemoryStorage(
            Announcer(
                ids=SequentialIds(),
                clock=clock or FakeClock(),
                present=lambda _: "{}",
                grace=END_GRACE,
            )
        )
        self.history: list[Session] = []
        self.broken = False
        self.kills = False
        self.inbox = cast("Inbox", Stepped(self.memory.inbox, self))
        self.leases = cast("Leases", Stepped(self.memory.leases, self))
        self.idempotency = cast("Idempotency", Stepped(self.memory.idempotency, self))
        self.tickets = cast("TicketRepository", Stepped(self.memory.tickets, self))

    def __call__(self) -> InMemoryUnitOfWork:
        return InMemoryUnitOfWork(self)

    @property
    def stored(self) -> MutableMapping[SessionId, Session]:
        return self.memory.sessions.by_id

    @property
    def calls(self) -> list[Call]:
        """Every call, the oldest first."""
        return sorted(self.memory.calls.by_id.values(), key=lambda call: call.age)

    def newest_in(self, room_name: str) -> Session | None:
        """Without a transaction, for assertions."""
        there = [s for s in self.stored.values() if str(s.room_name) == room_name]
        return max(there, key=lambda s: (s.created_at, str(s.id)), default=None)

    def live_in(self, room_name: str) -> list[Session]:
        """Without a transaction, for assertions."""
        return [s for s in self.stored.values() if s.is_live and str(s.room_name) == room_name]

    async def asked(self) -> None:
        """A step, which fails while the ledger is broken."""
        task = asyncio.current_task()
        if self.kills and task is not None and task.cancelling():
            raise Crashed
        await self.steps()
        if self.broken:
            raise StorageUnavailable("The ledger is broken.")


class Stepped:
    """``target`` with a step before each of its methods."""

    def __init__(self, target: object, ledger: InMemoryLedger) -> None:
        self._target = target
        self._ledger = ledger

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._target, name)

        async def stepped(*args: Any, **kwargs: Any) -> Any:
            await self._ledger.asked()
            return await method(*args, **kwargs)

        async def stepped_pages(*args: Any) -> AsyncIterator[Any]:
            await self._ledger.asked()
            async for page in method(*args):
                yield page

        return stepped_pages if inspect.isasyncgenfunction(method) else stepped


class InMemoryUnitOfWork:
    """Writes wait for the commit, which applies all of them or none."""

    def __init__(self, ledger: InMemoryLedger) -> None:
        self._ledger = ledger
        self._work = ledger.memory.unit_of_work()
        self.sessions = cast("SessionRepository", Stepped(self._work.sessions, ledger))
        self.calls = cast("CallRepository", Stepped(self._work.calls, ledger))
        self.events = self._work.events

    async def commit(self, *, urgent: bool = True) -> None:
        await self._ledger.asked()
        changes = [change.session for change in self._work.sessions.changes]
        await self._work.commit(urgent=urgent)
        self._ledger.history += changes
        await self._ledger.steps()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._work.__aexit__(exc_type, exc, traceback)


@attrs.frozen
class FakeProbe:
    """Ready unless it has a ``problem``."""

    problem: DomainError | None = None

    async def check(self) -> None:
        if self.problem is not None:
            raise self.problem
