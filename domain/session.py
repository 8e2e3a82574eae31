"""A session: one user-facing stay of an agent in one room instance."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from domain.agent_config import AgentConfig
from domain.call import Direction
from domain.dispatch import DispatchClaim
from domain.errors import ClaimHeld, IllegalTransition
from domain.identifiers import CallId, Identity, RoomName, SessionId
from domain.room import Dispatch


class SessionStatus(enum.StrEnum):
    """Where a session is in its life.

    ``active`` means that the agent has been seen in the room.
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
    """Nobody ever came, and no agent was dispatched."""


_CREATED, _DISPATCHED, _FAILED, _ACTIVE, _ENDED = SessionStatus

LEGAL_MOVES: Final[dict[SessionStatus, frozenset[SessionStatus]]] = {
    _CREATED: frozenset({_DISPATCHED, _FAILED, _ENDED}),
    # An agent that went away is dispatched again, which may fail again.
    _DISPATCHED: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    # A dispatch that seemed to fail may turn out to have brought an agent.
    _FAILED: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    _ACTIVE: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    _ENDED: frozenset(),
}


@attrs.frozen(kw_only=True)
class PhoneCorrelation:
    """The call that a session was started for, as its agent's metadata tells it."""

    call_id: CallId
    direction: Direction
    caller_number: str | None = None
    called_number: str | None = None

    def metadata(self) -> dict[str, str]:
        """The contract's keys; a number that is not known is left out."""
        told = {
            "call_id": str(self.call_id),
            "caller_number": self.caller_number,
            "called_number": self.called_number,
            "direction": str(self.direction),
        }
        return {key: value for key, value in told.items() if value is not None}


@attrs.frozen(kw_only=True)
class Session:
    """One agent's session in one room; at most one in a room is live.

    Immutable: each method returns the session after a move, or raises
    :class:`IllegalTransition`. ``version`` counts stored changes and is the storage's business.
    ``tenant`` is whose key began it, None if nobody's. Times are UTC with millisecond precision.
    """

    id: SessionId
    room_name: RoomName
    identity: Identity
    agent_name: str
    agent_config: AgentConfig
    created_at: datetime
    claim: DispatchClaim = attrs.field(factory=DispatchClaim)
    status: SessionStatus = SessionStatus.CREATED
    room_sid: str | None = None
    dispatch_id: str | None = None
    dispatched_at: datetime | None = None
    active_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    phone: PhoneCorrelation | None = None
    tenant: str | None = None
    version: int = 0

    @property
    def is_live(self) -> bool:
        """Whether the session has not ended."""
        return self.status is not SessionStatus.ENDED

    @property
    def age(self) -> tuple[datetime, str]:
        """Sorts sessions by when they were created, then by id: the newest is the greatest."""
        return self.created_at, self.id.value

    @property
    def agent_dispatched(self) -> bool:
        """Whether an agent is known to have been dispatched and not known to be gone."""
        return self.status in (SessionStatus.AGENT_DISPATCHED, SessionStatus.ACTIVE)

    def owns(self, dispatch: Dispatch) -> bool:
        """Whether LiveKit's ``dispatch`` was made for this session."""
        return dispatch.agent_name == self.agent_name and dispatch.session_id == str(self.id)

    def metadata(self) -> str:
        """The dispatch metadata that the worker reads as ``ctx.job.metadata``."""
        phone = {} if self.phone is None else self.phone.metadata()
        return self.agent_config.metadata(session_id=str(self.id), **phone)

    def begun(self, session_id: SessionId, holder: str, now: datetime, lease: timedelta) -> Session:
        """A new session of this content, its dispatch claim held until ``now + lease``."""
        claim = DispatchClaim().taken(holder, now + lease)
        return attrs.evolve(self, id=session_id, created_at=now, claim=claim)

    def claimed(self, holder: str, now: datetime, lease: timedelta) -> Session:
        """With the dispatch claim held by ``holder`` until ``now + lease``.

        Raises :class:`ClaimHeld` while somebody else's lease runs.
        """
        if not self.is_live:
            raise IllegalTransition(f"Session {self.id} has ended and cannot be claimed.")
        if self.claim.is_held(now) and self.claim.holder != holder:
            raise ClaimHeld(f"Session {self.id} is being worked on by somebody else.")
        return attrs.evolve(self, claim=self.claim.taken(holder, now + lease))

    def renewed(self, now: datetime, lease: timedelta) -> Session:
        """With the same holder's claim running until ``now + lease``."""
        return attrs.evolve(self, claim=attrs.evolve(self.claim, expires_at=now + lease))

    def stored(self) -> Session:
        """As a reader sees it once this change is stored."""
        return attrs.evolve(self, version=self.version + 1)

    def released(self) -> Session:
        """With the claim given back and nothing else changed."""
        return attrs.evolve(self, claim=self.claim.released())

    def with_agent_dispatched(self, dispatch_id: str, at: datetime) -> Session:
        """After LiveKit has accepted dispatch ``dispatch_id``; gives the claim back."""
        return self._moved(
            SessionStatus.AGENT_DISPATCHED,
            dispatch_id=dispatch_id,
            dispatched_at=at,
            claim=DispatchClaim(),
        )

    def with_dispatch_failed(
        self, *, uncertain: bool, settles_at: datetime | None = None
    ) -> Session:
        """After a dispatch that did not succeed; gives the claim back, at ``settles_at`` if given.

        ``uncertain`` records that an agent may have been dispatched all the same, which the next
        holder must settle with LiveKit first.
        """
        return self._moved(
            SessionStatus.DISPATCH_FAILED,
            claim=DispatchClaim(expires_at=settles_at, uncertain=uncertain),
        )

    def activated(self, room_sid: str, at: datetime, dispatch_id: str | None = None) -> Session:
        """After the agent was seen in the room instance ``room_sid``.

        ``dispatch_id`` is its dispatch if the ledger did not know it; nothing is uncertain then.
        """
        return self._moved(
            SessionStatus.ACTIVE,
            room_sid=room_sid,
            active_at=self.active_at or at,
            dispatch_id=dispatch_id or self.dispatch_id,
            dispatched_at=self.dispatched_at or (at if dispatch_id else None),
            claim=DispatchClaim(),
        )

    def ended(self, reason: EndReason, at: datetime) -> Session:
        """After its end; final."""
        return self._moved(
            SessionStatus.ENDED, ended_at=at, end_reason=reason, claim=DispatchClaim()
        )

    def _moved(self, status: SessionStatus, **changes: Any) -> Session:
        if status not in LEGAL_MOVES[self.status]:
            raise IllegalTransition(f"Session {self.id} cannot go from {self.status} to {status}.")
        return attrs.evolve(self, status=status, **changes)
