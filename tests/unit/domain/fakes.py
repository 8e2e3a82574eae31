"""Hand-written stand-ins for the domain's ports: time, ids, tokens, the ledger.

LiveKit's is in ``fake_livekit.py``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import attrs

from domain.errors import Conflict, DomainError, StorageUnavailable
from domain.identifiers import Identity, RoomName, SessionId
from domain.session import Session
from tests.unit.domain.steps import Steps

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeClock:
    """Time that passes when a test says so, or when somebody sleeps."""

    def __init__(self, steps: Steps | None = None) -> None:
        self._now = NOON
        self._steps = steps or Steps()
        self.slept: list[timedelta] = []

    def now(self) -> datetime:
        return self._now

    def advance(self, duration: timedelta) -> None:
        self._now += duration

    async def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        wakes_at = self._now + duration  # those who sleep together wake together
        await self._steps()
        self._now = max(self._now, wakes_at)


class SequentialIds:
    """Ids in the order in which they are asked for."""

    def __init__(self) -> None:
        self._count = 0

    def _next(self) -> int:
        self._count += 1
        return self._count

    def session_id(self) -> SessionId:
        return SessionId(f"00000000-0000-7000-8000-{self._next():012x}")

    def room_name(self) -> RoomName:
        return RoomName(f"room-00000000-0000-7000-9000-{self._next():012x}")

    def claim_holder(self) -> str:
        return f"holder-{self._next()}"


class ReadableTokens:
    """Tokens a test can read."""

    def join_token(self, identity: Identity, room_name: RoomName, ttl: timedelta) -> str:
        return f"{identity} may join {room_name} for {ttl.total_seconds():.0f} s"


class InMemoryLedger:
    """Makes units of work on sessions kept in a dictionary. ``broken`` fails every call."""

    def __init__(self, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self.stored: dict[SessionId, Session] = {}
        self.history: list[Session] = []
        self.broken = False

    def __call__(self) -> InMemoryUnitOfWork:
        return InMemoryUnitOfWork(self)

    def newest_in(self, room_name: str) -> Session | None:
        """Without a transaction, for assertions."""
        there = [s for s in self.stored.values() if str(s.room_name) == room_name]
        return max(there, key=lambda s: (s.created_at, str(s.id)), default=None)

    def live_in(self, room_name: str) -> list[Session]:
        """Without a transaction, for assertions."""
        return [s for s in self.stored.values() if s.is_live and str(s.room_name) == room_name]


class InMemoryUnitOfWork:
    """Writes wait for the commit, which applies all of them or none."""

    def __init__(self, ledger: InMemoryLedger) -> None:
        self._ledger = ledger
        self._added: list[Session] = []
        self._changed: list[Session] = []

    @property
    def sessions(self) -> InMemorySessions:
        return InMemorySessions(self._ledger, self._added, self._changed)

    async def commit(self) -> None:
        await self._ledger.steps()
        if self._ledger.broken:
            raise StorageUnavailable("The ledger is broken.")
        after = dict(self._ledger.stored)
        for session in self._added:
            if session.id in after:
                raise Conflict("The id is taken.")
            after[session.id] = session
        for session in self._changed:
            current = after.get(session.id)
            if current is None or current.version != session.version:
                raise Conflict("The session has changed since.")
            after[session.id] = session.stored()
        live = [s.room_name for s in after.values() if s.is_live]
        if len(live) != len(set(live)):
            raise Conflict("The room already has a live session.")
        self._ledger.stored = after
        self._ledger.history += [after[s.id] for s in self._added + self._changed]
        await self._ledger.steps()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._added.clear()
        self._changed.clear()


@attrs.frozen
class InMemorySessions:
    """What is committed; a use case of one write has no need to read its own."""

    _ledger: InMemoryLedger
    _added: list[Session]
    _changed: list[Session]

    async def add(self, session: Session) -> None:
        await self._asked()
        self._added.append(session)

    async def save(self, session: Session) -> None:
        await self._asked()
        self._changed.append(session)

    async def get(self, session_id: SessionId) -> Session | None:
        await self._asked()
        return self._ledger.stored.get(session_id)

    async def live_in(self, room_name: RoomName) -> Session | None:
        await self._asked()
        return next(iter(self._ledger.live_in(str(room_name))), None)

    async def newest_in(self, room_name: RoomName) -> Session | None:
        await self._asked()
        return self._ledger.newest_in(str(room_name))

    async def _asked(self) -> None:
        await self._ledger.steps()
        if self._ledger.broken:
            raise StorageUnavailable("The ledger is broken.")


@attrs.frozen
class FakeProbe:
    """Ready unless it has a ``problem``."""

    problem: DomainError | None = None

    async def check(self) -> None:
        if self.problem is not None:
            raise self.problem
