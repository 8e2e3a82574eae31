"""Where a session is in its life, which moves are legal, and why it ended."""

from __future__ import annotations

import enum
from typing import Final


class SessionStatus(enum.StrEnum):
    """Where a session is in its life.

    ``active``: the agent is in the room. ``agent_dispatched``: it is on its way.
    ``dispatch_failed``: there is none, because the dispatch failed, no worker took it, the agent
    did not join in time, or it left; the timeline says which.
    """

    CREATED = "created"
    AGENT_DISPATCHED = "agent_dispatched"
    DISPATCH_FAILED = "dispatch_failed"
    ACTIVE = "active"
    ENDED = "ended"


class EndReason(enum.StrEnum):
    """Why a session ended."""

    ENDED_BY_CALLER = "ended_by_caller"
    ROOM_FINISHED = "room_finished"
    ABANDONED = "abandoned"
    """No user joined, and no agent was dispatched."""


_CREATED, _DISPATCHED, _FAILED, _ACTIVE, _ENDED = SessionStatus

LEGAL_MOVES: Final[dict[SessionStatus, frozenset[SessionStatus]]] = {
    # The agent of a process that died before it recorded its dispatch may be in the room already.
    _CREATED: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    # An agent that left is dispatched again, which may fail again.
    _DISPATCHED: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    # A dispatch that seemed to fail may turn out to have brought an agent.
    _FAILED: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    _ACTIVE: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    _ENDED: frozenset(),
}
