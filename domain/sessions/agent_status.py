"""What is known of a session's agent, for a caller."""

from __future__ import annotations

import enum


class AgentStatus(enum.StrEnum):
    """Where a session's agent is, as far as this process knows without asking LiveKit."""

    JOINED = "joined"
    """The agent was seen in the room."""
    EXPECTED = "expected"
    """The agent is dispatched, and nothing speaks against its joining."""
    NO_WORKER = "no_worker"
    """The agent is dispatched, and no worker took the latest jobs of its name."""
    NOT_DISPATCHED = "not_dispatched"
    """No agent is dispatched now."""
