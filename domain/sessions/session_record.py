"""What is recorded of a session."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Self

import attrs

from domain.agents.agent_config import AgentConfig
from domain.events.domain_event import EventKind, News
from domain.rooms.room import Dispatch
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import LEGAL_MOVES, EndReason, SessionStatus
from domain.sessions.session_timeline import with_entry
from domain.shared.errors import IllegalTransition
from domain.shared.identifiers import AgentId, Identity
from domain.shared.timeline import Source, TimelineEntry

MOST_EARLIER_AGENTS: Final = 50
"""Agents that a session remembers besides its present one."""

_NEWS: Final = {
    "agent_joined": EventKind.SESSION_AGENT_JOINED,
    "agent_left": EventKind.SESSION_AGENT_LEFT,
    "agent_never_joined": EventKind.SESSION_FAILED,
    "dispatch_failed": EventKind.SESSION_FAILED,
}
"""The entries of the timeline that others learn of, besides the end."""


@attrs.frozen(kw_only=True)
class SessionRecord(SessionOutline):
    """The fields of a session, and what they say.

    ``tenant`` owns the key that it was started with; None without keys.

    ``agent_identity`` is the participant that serves the session; an agent beside it is surplus.
    ``earlier_agents`` served it before, the oldest first: their reports may come later.
    ``agent_id`` and ``agent_version``: the saved agent that it began with. ``agent_adopted``: the
    agent, or its dispatch, was found in the room. ``dispatch_attempts``: since an agent last
    stayed. ``end_concluded``: from an absence, so that a presence can correct the end;
    ``end_pending``: that end is not announced yet. ``news`` is what others shall learn of the
    changes that are not stored yet.
    """

    identity: Identity
    agent_name: str
    agent_config: AgentConfig
    agent_id: AgentId | None = None
    agent_version: int | None = None
    dispatch_attempts: int = 0
    active_at: datetime | None = None
    agent_identity: str | None = None
    earlier_agents: tuple[str, ...] = ()
    agent_joined_at: datetime | None = None
    agent_left_at: datetime | None = None
    agent_adopted: bool = False
    end_reason: EndReason | None = None
    end_concluded: bool = False
    phone: PhoneCorrelation | None = None
    tenant: str | None = None
    timeline: tuple[TimelineEntry, ...] = ()
    end_pending: bool = attrs.field(default=False, eq=False)
    news: tuple[News, ...] = attrs.field(default=(), eq=False)

    @property
    def agent_dispatched(self) -> bool:
        """Whether an agent is known to have been dispatched and not known to be gone."""
        return self.status in (SessionStatus.AGENT_DISPATCHED, SessionStatus.ACTIVE)

    @property
    def join_latency(self) -> timedelta | None:
        """How long the agent took to join after its dispatch; None if its dispatch was not seen."""
        if self.agent_adopted or self.agent_joined_at is None or self.dispatched_at is None:
            return None
        latency = self.agent_joined_at - self.dispatched_at
        return latency if latency > timedelta() else None

    @property
    def agents(self) -> tuple[str, ...]:
        """Return the identities of the agents that have served it, each once, the oldest first."""
        present = () if self.agent_identity is None else (self.agent_identity,)
        return tuple(dict.fromkeys((*self.earlier_agents, *present)))

    def owns(self, dispatch: Dispatch) -> bool:
        """Whether LiveKit's ``dispatch`` was made for this session, or adopted by it."""
        return dispatch.agent_name == self.agent_name and (
            dispatch.id == self.dispatch_id or dispatch.session_id == str(self.id)
        )

    def metadata(self) -> str:
        """Return the dispatch metadata that the worker reads as ``ctx.job.metadata``."""
        phone = self.phone.metadata() if self.phone else {}
        config = self.agent_config if self.join_until is None else self.agent_config.completed
        return config.metadata(session_id=str(self.id), **phone)

    def stored(self) -> Self:
        """Return the session as it is read once this change is stored."""
        return attrs.evolve(self, version=self.version + 1, news=())

    def without_news(self) -> Self:
        """Return the session as it is after its news was stored."""
        return attrs.evolve(self, news=()) if self.news else self

    def _noted(self, what: str, at: datetime, source: Source) -> Self:
        kind = _NEWS.get(what)
        noted = self if kind is None else self._with_news(kind, at, source)
        return attrs.evolve(noted, timeline=with_entry(self.timeline, at, what, source))

    def _with_news(self, kind: EventKind, at: datetime, source: Source) -> Self:
        return attrs.evolve(self, news=(*self.news, News(kind, at, source)))

    def _moved(self, status: SessionStatus, **changes: Any) -> Self:
        if status not in LEGAL_MOVES[self.status]:
            raise IllegalTransition(f"Session {self.id} cannot go from {self.status} to {status}.")
        moved = attrs.evolve(self, status=status, **changes)
        if moved.agent_identity == self.agent_identity:
            return moved
        return attrs.evolve(moved, earlier_agents=self.agents[-MOST_EARLIER_AGENTS:])
