"""Know which agents have no worker, from what became of their latest dispatches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
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

KNOWN_FOR: Final = timedelta(minutes=10)
"""After which a job that no worker took says nothing: a worker may have registered since."""

SERVED_FOR: Final = timedelta(minutes=1)
"""After an agent has joined, during which a job that is not taken is no sign of a missing worker:
on a busy machine LiveKit drops some jobs (livekit-server 1.13.5)."""

_EACH: Final = 5
_TELLING: Final = (
    SessionStatus.ACTIVE,
    SessionStatus.DISPATCH_FAILED,
    SessionStatus.AGENT_DISPATCHED,
    SessionStatus.ENDED,
)


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
    not within ``SERVED_FOR`` after an agent has joined.
    """

    ledger: SessionStore
    clock: Clock
    timeouts: AgentTimeouts
    _missing: Mapping[str, datetime] = attrs.field(factory=dict, init=False)
    """When the latest job was not taken, by agent name."""

    async def refresh(self) -> WorkerChanges:
        """Look at the ledger and return what has changed.

        Raises :class:`~domain.shared.errors.StorageUnavailable`.
        """
        joined, untaken = self._evidence(await self._newest())
        now = self.clock.now()
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
        return changes

    def status_of(self, session: Session) -> AgentStatus:
        """Return what a caller should know of the session's agent; asks nothing."""
        if session.status is SessionStatus.ACTIVE:
            return AgentStatus.JOINED
        if not session.agent_dispatched:
            return AgentStatus.NOT_DISPATCHED
        if self.is_missing(session.agent_name):
            return AgentStatus.NO_WORKER
        return AgentStatus.EXPECTED

    def is_missing(self, agent_name: str) -> bool:
        """Return whether no worker took the latest jobs of this name."""
        return agent_name in self._missing

    def warning(self, agent_name: str) -> str | None:
        """Return a sentence for the operator; None if this agent has a worker, or may have."""
        return self.warning_of(agent_name) if self.is_missing(agent_name) else None

    @staticmethod
    def warning_of(*names: str) -> str:
        """Return the sentence for agents of these names without a worker."""
        quoted = ", ".join(f"'{name}'" for name in names)
        return (
            f"No worker named {quoted} is registered: the latest jobs were not taken. Start the "
            "worker with this agent_name, or give it more capacity."
        )

    async def _newest(self) -> list[Session]:
        found: list[Session] = []
        async with self.ledger.unit_of_work() as work:
            for status in _TELLING:
                wanted = SessionFilter(status=status)
                found += await work.sessions.page(wanted, None, _EACH, SYSTEM)
        return found

    def _evidence(
        self, sessions: Iterable[Session]
    ) -> tuple[Mapping[str, datetime], Mapping[str, datetime]]:
        """Return when, by agent name, an agent joined last and a job was not taken last."""
        joined: dict[str, list[datetime]] = defaultdict(list)
        untaken: dict[str, list[datetime]] = defaultdict(list)
        for session in sessions:
            dispatched: datetime | None = None
            for entry in session.timeline:
                if entry.what == "agent_joined":
                    joined[session.agent_name].append(entry.at)
                elif entry.what == "agent_dispatched":
                    dispatched = entry.at
                elif entry.what == "agent_never_joined" and self._was_untaken(dispatched, entry.at):
                    untaken[session.agent_name].append(entry.at)
        return _latest(joined), _latest(untaken)

    def _was_untaken(self, dispatched: datetime | None, at: datetime) -> bool:
        """Whether no worker took the job: of one that was taken, the agent is awaited longer."""
        return dispatched is not None and at - dispatched < self.timeouts.joined_within


def _latest(times: Mapping[str, list[datetime]]) -> Mapping[str, datetime]:
    return {name: max(at) for name, at in times.items()}
