"""What is known of a session without its configuration and its history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Self

import attrs

from domain.rooms.dispatch import DispatchClaim
from domain.rooms.token_options import TOKEN_TTL
from domain.sessions.session_status import SessionStatus
from domain.shared.identifiers import RoomName, SessionId

LEEWAY: Final = timedelta(minutes=2)
"""LiveKit takes a token for a minute after it has expired; one more is for clocks that differ, and
for a token that was being made when the session ended."""

LEFT_FOR: Final = TOKEN_TTL + LEEWAY
"""How long after its end a session's room is reserved for its tenant, whose users may hold tokens.

It is longer where a token was made that is valid for longer.
"""

ABANDONED_AFTER: Final = timedelta(minutes=10)
"""How long a session whose agent is dispatched at once may wait for a room."""


def token_end(now: datetime, ttl: timedelta) -> datetime | None:
    """Return until when a token is valid that is made now; None where ``LEFT_FOR`` covers it.

    Nothing has to be stored for a token that lives no longer than the default: it has expired
    before the room's reservation ends, however late in its session it was made.
    """
    return now + ttl if ttl > TOKEN_TTL else None


@attrs.frozen(kw_only=True)
class SessionOutline:
    """The part of a session by which the reconciler chooses: small, as there may be many.

    ``version`` counts stored changes and is the storage's business. Before ``retry_at`` no further
    dispatch is made unasked. ``join_until`` is the end of the time in which a user may join a
    session whose agent is dispatched on join; None where it is dispatched at once. ``token_until``
    is the latest end of the room's tokens that live longer than the default; None without any.
    Times are UTC with millisecond precision.
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
    join_until: datetime | None = None
    token_until: datetime | None = None
    version: int = 0

    @property
    def age(self) -> tuple[datetime, str]:
        """Return a sort key: by creation, then by id; the newest session is the greatest."""
        return self.created_at, self.id.value

    @property
    def is_live(self) -> bool:
        """Whether the session has not ended."""
        return self.status is not SessionStatus.ENDED

    @property
    def has_had_room(self) -> bool:
        """Whether LiveKit made a room for the session, as far as the ledger knows."""
        return self.dispatch_id is not None or self.room_sid is not None

    @property
    def is_unused(self) -> bool:
        """Whether the session waits for its first user, and LiveKit was asked for nothing yet."""
        is_new = self.status is SessionStatus.CREATED and not self.has_had_room
        return self.join_until is not None and is_new and not self.claim.is_unsettled

    def has_waited(self, now: datetime) -> bool:
        """Whether a session without a room has waited for one long enough."""
        return now > (self.join_until or self.created_at + ABANDONED_AFTER)

    @property
    def only_holds_room(self) -> bool:
        """Whether the session has ended and is kept as a live one to hold its room."""
        return self.is_live and self.ended_at is not None

    def was_lately(self, now: datetime) -> bool:
        """Whether users of the session may still come into its room with their tokens."""
        if self.ended_at is None or now < self.ended_at + LEFT_FOR:
            return True
        return self.token_until is not None and now < self.token_until + LEEWAY

    def reserves(self, room_sid: str | None, now: datetime) -> bool:
        """Whether the room of this instance is the session's, or users may still come into it.

        A name that was used long ago may be another application's room by now.
        """
        return self.was_lately(now) or (room_sid is not None and room_sid == self.room_sid)

    def tokens_expired(self, before: datetime) -> bool:
        """Whether no token that lives longer than the default was valid at ``before``."""
        return self.token_until is None or self.token_until < before

    def was_not_joined(self, before: datetime) -> bool:
        """Whether the session waited for a user until some time before, and none came."""
        return not self.has_had_room and self.join_until is not None and self.join_until < before

    def with_token_until(self, until: datetime | None) -> Self:
        """Return the session, whose room is reserved at least until a token has expired."""
        latest = max(filter(None, (self.token_until, until)), default=None)
        return self if latest == self.token_until else attrs.evolve(self, token_until=latest)

    def may_retry(self, now: datetime) -> bool:
        """Whether a further dispatch may be made unasked."""
        return self.retry_at is None or now >= self.retry_at
