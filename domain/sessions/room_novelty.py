"""What is known of a room's name before a session begins in it."""

from __future__ import annotations

import enum


class RoomNovelty(enum.Enum):
    """What is known of a room's name before a session begins in it."""

    NAMED = enum.auto()
    """Others may know it too: LiveKit may have such a room, and an agent in it."""
    OURS = enum.auto()
    """This ledger generated it for an idempotency key, so only an earlier attempt may have it."""
    UNKNOWN_TO_ALL = enum.auto()
    """It was generated a moment ago: neither the ledger nor LiveKit is asked."""
