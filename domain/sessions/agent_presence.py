"""Where a session's agent is."""

from __future__ import annotations

import enum
from typing import Final

import attrs

from domain.rooms.room import Room
from domain.sessions.seen_agent import SeenAgent


class AgentState(enum.Enum):
    """Where the agent is."""

    IN_ROOM = enum.auto()
    JOINING = enum.auto()
    """A worker runs its job, and it has not joined yet."""
    WAITING = enum.auto()
    """It was dispatched a moment ago; LiveKit does not list yet whether a worker took the job."""
    NOT_TAKEN = enum.auto()
    """No worker took the job; LiveKit does not offer it to workers that register later."""
    NEVER_JOINED = enum.auto()
    LEFT = enum.auto()
    ABSENT = enum.auto()
    """None was dispatched, or its dispatch is no longer listed."""
    ROOM_CLOSED = enum.auto()
    """The session's room instance is closed, so its agent has left."""


MISSING: Final = frozenset(
    {AgentState.NOT_TAKEN, AgentState.NEVER_JOINED, AgentState.LEFT, AgentState.ABSENT}
)
EXPECTED: Final = frozenset({AgentState.JOINING, AgentState.WAITING})


@attrs.frozen(kw_only=True)
class AgentPresence:
    """Where the agent is, and what else is there.

    ``room`` is the live instance of the session's room, if there is one. ``agent`` is the agent to
    keep. ``dispatch_id`` is its dispatch, or the one that is expected to bring it; ``adopted``: the
    session did not make that dispatch. Surplus agents and dispatches would make it two agents.
    """

    state: AgentState
    room: Room | None = None
    has_people: bool = False
    agent: SeenAgent | None = None
    dispatch_id: str | None = None
    adopted: bool = False
    surplus_agents: tuple[str, ...] = ()
    surplus_dispatches: tuple[str, ...] = ()
    is_undecided: bool = False
    """Whether there are two agents, and LiveKit does not list yet which one is the session's."""

    @property
    def is_missing(self) -> bool:
        """Whether the room is there and no agent is, or is on its way."""
        return self.state in MISSING

    @property
    def is_expected(self) -> bool:
        """Whether the agent is on its way."""
        return self.state in EXPECTED

    @property
    def has_surplus(self) -> bool:
        """Whether there are, or may come, two agents."""
        return bool(self.surplus_agents or self.surplus_dispatches)
