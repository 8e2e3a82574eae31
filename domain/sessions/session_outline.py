"""What is known of a session without its configuration and its history."""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from domain.rooms.dispatch import DispatchClaim
from domain.shared.identifiers import RoomName, SessionId


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


@attrs.frozen(kw_only=True)
class SessionOutline:
    """The part of a session by which the reconciler chooses: small, as there may be many.

    ``version`` counts stored changes and is the storage's business. Before ``retry_at`` no further
    dispatch is made unasked. Times are UTC with millisecond precision.
    """

    id: SessionId
    room_name: RoomName
    created_at: datetime
    status: SessionStatus = SessionStatus.CREATED
    claim: DispatchClaim = attrs.field(factory=DispatchClaim)
    room_sid: str | None = None
    dispatch_id: str | None = None
    dispatched_at: datetime | None = None
    retry_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 0

    @property
    def is_live(self) -> bool:
        """Whether the session has not ended."""
        return self.status is not SessionStatus.ENDED

    @property
    def has_had_room(self) -> bool:
        """Whether LiveKit made a room for the session, as far as the ledger knows."""
        return self.dispatch_id is not None or self.room_sid is not None

    @property
    def only_holds_room(self) -> bool:
        """Whether the session has ended and is kept as a live one to hold its room."""
        return self.is_live and self.ended_at is not None

    def may_retry(self, now: datetime) -> bool:
        """Whether a further dispatch may be made unasked."""
        return self.retry_at is None or now >= self.retry_at
