"""Know which agents have no worker, from what became of their latest dispatches."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.sessions.agent_status import AgentStatus
from domain.sessions.agent_timeouts import AgentTimeouts
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_status import SessionStatus
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.identifiers import SessionId

KNOWN_FOR: Final = timedelta(minutes=10)
"""After which a job that no worker took says nothing: a worker may have registered since."""

SERVED_FOR: Final = timedelta(minutes=1)
"""After an agent has joined, during which a job that is not taken is no sign of a missing worker:
on a busy machine LiveKit drops some jobs (livekit-server 1.13.5)."""

_EACH: Final = 5
_NAMES: Final = 20
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_TELLING: Final = (
    SessionStatus.ACTIVE,
    SessionStatus.DISPATCH_FAILED,
    SessionStatus.AGENT_DISPATCHED,
    SessionStatus.ENDED,
)

_Times = dict[str, list[datetime]]


@attrs.frozen
class WorkerChanges:
    """Names of agents that have had no worker since the last look, and that have one again."""

    missing: frozenset[str]
    back: frozenset[str]


@attrs.define
class WatchWorkers:
    """Judges by the newest sessions in the ledger, so that all replicas agree.

    LiveKit has no list of workers. A dispatch whose job is not listed within ``taken_within`` was
    taken by none (livekit-server 1.13.5), and the ledger then has ``agent_never_joined`` for it.
    That counts until an agent of the same name joins any session, for ``KNOWN_FOR`` at most, and
    not within ``SERVED_FOR`` after an agent has joined. What earlier looks found counts as long,
    and sessions of an agent without a worker are read again: where other agents have many
    sessions, its own are soon not among the newest.
    """

    ledger: SessionStore
    clock: Clock
    timeouts: AgentTimeouts
    _missing: Mapping[str, datetime] = attrs.field(factory=dict, init=False)
    """When the latest job was not taken, by agent name."""
    _joined: Mapping[str, datetime] = attrs.field(factory=dict, init=False)
    _untaken: Mapping[str, datetime] = attrs.field(factory=dict, init=False)
    _waiting: dict[str, deque[SessionId]] = attrs.field(factory=dict, init=False)
    """The latest sessions of each agent that has no worker."""

    async def refresh(self) -> WorkerChanges:
        """Look at the ledger and return what has changed.

        Raises :class:`~domain.shared.errors.StorageUnavailable`.
        """
        joins, failures = self._evidence(await self._read())
        now = self.clock.now()
        self._joined = joined = _latest(joins, self._joined, now)
        self._untaken = untaken = _latest(failures, self._untaken, now)
        missing = {
            name: at
            for name, at in untaken.items()
            if now - at <= KNOWN_FOR and (name not in joined or at - joined[name] > SERVED_FOR)
        }
        changes = WorkerChanges(
            missing=frozenset(missing.keys() - self._missing.keys()),
            back=frozenset(
                name
                for name, at in self._missing.items()
                if name not in missing and name in joined and joined[name] > at
            ),
        )
        self._missing = missing
        for name in self._waiting.keys() - missing.keys():
            del self._waiting[name]
        return changes

    def status_of(self, session: Session) -> AgentStatus:
        """Return what a caller should know of the session's agent; asks nothing."""
        if session.status is SessionStatus.ACTIVE:
            return AgentStatus.JOINED
        if not session.agent_dispatched:
            return AgentStatus.NOT_DISPATCHED
        if self.is_missing(session.agent_name):
            self._await(session)
            return AgentStatus.NO_WORKER
        return AgentStatus.EXPECTED

    def is_missing(self, agent_name: str) -> bool:
        """Return whether no worker took the latest jobs of this name."""
        return agent_name in self._missing

    def warning(self, agent_name: str) -> str | None:
        """Return a sentence for the operator; None if this agent has a worker, or may have."""
        if not self.is_missing(agent_name):
            return None
        return (
            f"No worker named '{agent_name}' is registered: the latest jobs were not taken. Start "
            "the worker with this agent_name, or give it more capacity."
        )

    async def _read(self) -> list[Session]:
        """Return the newest sessions, and those of agents without a worker."""
        found: list[Session] = []
        waiting = [one for ids in [*self._waiting.values()][-_NAMES:] for one in ids]
        async with self.ledger.unit_of_work() as work:
            for status in _TELLING:
                wanted = SessionFilter(status=status)
                found += await work.sessions.page(wanted, None, _EACH, SYSTEM)
            for session_id in waiting:
                session = await work.sessions.get(session_id, SYSTEM)
                found += [] if session is None else [session]
        return found

    def _await(self, session: Session) -> None:
        ids = self._waiting.setdefault(session.agent_name, deque(maxlen=_EACH))
        if session.id not in ids:
            ids.append(session.id)

    def _evidence(self, sessions: Iterable[Session]) -> tuple[_Times, _Times]:
        """Return when, by agent name, agents joined and jobs were not taken."""
        joined: _Times = defaultdict(list)
        untaken: _Times = defaultdict(list)
        for session in sessions:
            dispatched: datetime | None = None
            for entry in session.timeline:
                if entry.what == "agent_joined":
                    joined[session.agent_name].append(entry.at)
                elif entry.what == "agent_dispatched":
                    dispatched = entry.at
                elif entry.what == "agent_never_joined" and self._was_untaken(dispatched, entry.at):
                    untaken[session.agent_name].append(entry.at)
                    self._await(session)
        return joined, untaken

    def _was_untaken(self, dispatched: datetime | None, at: datetime) -> bool:
        """Whether no worker took the job: of one that was taken, the agent is awaited longer."""
        return dispatched is not None and at - dispatched < self.timeouts.joined_within


def _latest(times: _Times, known: Mapping[str, datetime], now: datetime) -> Mapping[str, datetime]:
    """Return the latest time by name, of those that still count."""
    names = times.keys() | known.keys()
    latest = {name: max([*times.get(name, ()), known.get(name, _LONG_AGO)]) for name in names}
    return {name: at for name, at in latest.items() if now - at <= KNOWN_FOR}
