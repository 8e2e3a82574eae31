"""A session: one user-facing stay of an agent in one room instance."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from domain.agents.agent_config import AgentConfig
from domain.rooms.dispatch import DispatchClaim
from domain.rooms.room import Dispatch
from domain.rooms.sip_leg import Direction
from domain.rooms.token_signer import TOKEN_TTL
from domain.sessions.session_outline import SessionOutline, SessionStatus
from domain.shared.errors import ClaimHeld, IllegalTransition
from domain.shared.identifiers import CallId, Identity, SessionId
from domain.shared.timeline import Source, TimelineEntry

# SessionStatus is re-exported: users of sessions need it.
__all__ = ["Session", "SessionStatus"]


class EndReason(enum.StrEnum):
    """Why a session ended."""

    ENDED_BY_CALLER = "ended_by_caller"
    ROOM_FINISHED = "room_finished"
    ABANDONED = "abandoned"
    """Nobody ever came, and no agent was dispatched."""


_CREATED, _DISPATCHED, _FAILED, _ACTIVE, _ENDED = SessionStatus

LEGAL_MOVES: Final[dict[SessionStatus, frozenset[SessionStatus]]] = {
    # The agent of a process that died before it recorded its dispatch may be in the room already.
    _CREATED: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    # An agent that went away is dispatched again, which may fail again.
    _DISPATCHED: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    # A dispatch that seemed to fail may turn out to have brought an agent.
    _FAILED: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    _ACTIVE: frozenset({_DISPATCHED, _FAILED, _ACTIVE, _ENDED}),
    _ENDED: frozenset(),
}

FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(seconds=60)
UNTAKEN_RETRY: Final = timedelta(seconds=8)
UNTAKEN_AT_ONCE: Final = 6
"""So many dispatches that no worker took are repeated as soon as that is known, later ones after
``UNTAKEN_RETRY``: a worker that registers gets the waiting rooms within some seconds."""

STAYED: Final = timedelta(seconds=60)
"""An agent that was in the room for so long worked; the next one is dispatched without delay."""

_TIMELINE_BEGINNING: Final = 8
_TIMELINE_LENGTH: Final = 40
"""A session that retries for hours keeps its first entries and its latest ones."""


SESSION_EVENTS: Final = (
    "agent_dispatched",
    "agent_adopted",
    "agent_joined",
    "agent_left",
    "agent_never_joined",
    "dispatch_failed",
    "ended",
    "reopened",
)
"""What a session's timeline may say."""

LEFT_FOR: Final = TOKEN_TTL + timedelta(minutes=2)
"""How long after its end a session's room is left to its tenant, whose users may hold tokens.

LiveKit takes a token for a minute after it has expired; one more is for clocks that differ, and
for a token that was being made when the session ended.
"""


def retry_delay(attempts: int) -> timedelta:
    """Return how long after the ``attempts``-th dispatch without an agent the next one may be."""
    return min(FIRST_RETRY * (1 << min(max(attempts - 1, 0), 8)), LONGEST_RETRY)


@attrs.frozen(kw_only=True)
class SeenAgent:
    """An agent that was seen in the room: its participant's identity, and its dispatch, if known.

    ``adopted``: this session did not dispatch it.
    """

    identity: str | None = None
    dispatch_id: str | None = None
    adopted: bool = False


UNNAMED_AGENT: Final = SeenAgent()


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
class Session(SessionOutline):
    """One agent's session in one room; at most one in a room is live.

    Immutable: each method returns the session after a move, or raises
    :class:`IllegalTransition`. ``tenant`` is whose key began it, None if nobody's.

    ``agent_identity`` is the participant that serves the session; an agent beside it is surplus.
    ``agent_adopted`` tells that the ledger found the agent, or its dispatch, in the room and did
    not dispatch it. ``dispatch_attempts`` counts dispatches since an agent last stayed.
    ``end_concluded`` tells that the end was concluded from an absence, so that a presence can
    correct it.
    """

    identity: Identity
    agent_name: str
    agent_config: AgentConfig
    dispatch_attempts: int = 0
    active_at: datetime | None = None
    agent_identity: str | None = None
    agent_joined_at: datetime | None = None
    agent_left_at: datetime | None = None
    agent_adopted: bool = False
    end_reason: EndReason | None = None
    end_concluded: bool = False
    phone: PhoneCorrelation | None = None
    tenant: str | None = None
    timeline: tuple[TimelineEntry, ...] = ()

    @property
    def age(self) -> tuple[datetime, str]:
        """Sorts sessions by when they were created, then by id: the newest is the greatest."""
        return self.created_at, self.id.value

    @property
    def agent_dispatched(self) -> bool:
        """Whether an agent is known to have been dispatched and not known to be gone."""
        return self.status in (SessionStatus.AGENT_DISPATCHED, SessionStatus.ACTIVE)

    @property
    def join_latency(self) -> timedelta | None:
        """How long the agent took from its dispatch until it joined; None if that is not known."""
        if self.agent_adopted or self.agent_joined_at is None or self.dispatched_at is None:
            return None
        latency = self.agent_joined_at - self.dispatched_at
        # A dispatch that was learnt of when its agent was seen tells nothing.
        return latency if latency > timedelta() else None

    def owns(self, dispatch: Dispatch) -> bool:
        """Whether LiveKit's ``dispatch`` was made for this session, or adopted by it."""
        return dispatch.agent_name == self.agent_name and (
            dispatch.id == self.dispatch_id or dispatch.session_id == str(self.id)
        )

    def was_lately(self, now: datetime) -> bool:
        """Whether users of the session may still come into its room."""
        return self.ended_at is None or now < self.ended_at + LEFT_FOR

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

    def settled(self) -> Session:
        """With the claim given back and nothing uncertain."""
        return attrs.evolve(self, claim=DispatchClaim())

    def with_agent_dispatched(self, dispatch_id: str, at: datetime) -> Session:
        """After LiveKit has accepted dispatch ``dispatch_id``; gives the claim back."""
        return self._expecting(dispatch_id, at)._noted("agent_dispatched", at, Source.API)

    def with_agent_adopted(self, dispatch_id: str, at: datetime, source: Source) -> Session:
        """After a dispatch that another program, or a lost ledger, made was found in the room."""
        adopted = attrs.evolve(self._expecting(dispatch_id, at), agent_adopted=True)
        return adopted._noted("agent_adopted", at, source)

    def with_dispatch_failed(
        self, at: datetime, *, uncertain: bool, settles_at: datetime | None = None
    ) -> Session:
        """After a dispatch that did not succeed; gives the claim back, at ``settles_at`` if given.

        ``uncertain`` records that an agent may have been dispatched all the same, which the next
        holder must settle with LiveKit first.
        """
        attempts = self.dispatch_attempts + 1
        return self._moved(
            SessionStatus.DISPATCH_FAILED,
            dispatch_attempts=attempts,
            retry_at=at + retry_delay(attempts),
            claim=DispatchClaim(expires_at=settles_at, uncertain=uncertain),
        )._noted("dispatch_failed", at, Source.API)

    def activated(
        self,
        room_sid: str,
        at: datetime,
        agent: SeenAgent = UNNAMED_AGENT,
        source: Source = Source.API,
    ) -> Session:
        """After the agent was seen in the room instance ``room_sid``; nothing is uncertain then."""
        again = self.status is not SessionStatus.ACTIVE or self.room_sid != room_sid
        known = None if again else self.agent_identity
        joins = again or (known is not None and agent.identity not in (None, known))
        is_known = agent.dispatch_id in (None, self.dispatch_id)
        its_own = is_known and not (joins and self._dispatch_brought_one)
        active = self._moved(
            SessionStatus.ACTIVE,
            room_sid=room_sid,
            active_at=self.active_at or at,
            agent_identity=agent.identity or known,
            dispatch_id=agent.dispatch_id or self.dispatch_id,
            dispatched_at=self.dispatched_at if its_own else at,
            agent_adopted=self.agent_adopted or agent.adopted,
            claim=DispatchClaim(),
        )
        if not joins:
            return active
        if agent.adopted:
            active = active._noted("agent_adopted", at, source)
        joined = attrs.evolve(active, agent_joined_at=at, agent_left_at=None)
        return joined._noted("agent_joined", at, source)

    def without_agent(self, at: datetime, source: Source, *, taken: bool = True) -> Session:
        """After the agent left, or did not come in time; unchanged if none was expected.

        One that no worker had ``taken`` is dispatched again sooner: it waited for a worker already,
        and LiveKit drops some of the jobs that an idle worker is offered at once.
        """
        if not self.agent_dispatched:
            return self
        left = self.status is SessionStatus.ACTIVE
        stayed = left and self.agent_joined_at is not None and at - self.agent_joined_at >= STAYED
        return self._moved(
            SessionStatus.DISPATCH_FAILED,
            agent_identity=None,
            agent_left_at=at if left else self.agent_left_at,
            dispatch_attempts=0 if stayed else self.dispatch_attempts,
            retry_at=at if stayed else self.retry_at if taken else self._untaken_retry(at),
            claim=self.claim.released(),
        )._noted("agent_left" if left else "agent_never_joined", at, source)

    def _untaken_retry(self, at: datetime) -> datetime:
        delay = UNTAKEN_RETRY if self.dispatch_attempts > UNTAKEN_AT_ONCE else timedelta()
        return min(self.retry_at or at, at + delay)

    def ended(
        self,
        reason: EndReason,
        at: datetime,
        source: Source = Source.API,
        *,
        concluded: bool = False,
    ) -> Session:
        """After its end, which is final unless it was ``concluded`` from an absence."""
        return self._moved(
            SessionStatus.ENDED,
            ended_at=at,
            end_reason=reason,
            end_concluded=concluded,
            claim=DispatchClaim(),
        )._noted("ended", at, source)

    def reopened(self, at: datetime, source: Source) -> Session:
        """After the room of a session that was concluded to have ended was seen again."""
        if not self.end_concluded:
            raise IllegalTransition(f"Session {self.id} has ended and cannot be reopened.")
        status = _FAILED
        if self.agent_identity is not None:
            status = _ACTIVE
        elif self.dispatch_id is not None and self.agent_left_at is None:
            status = _DISPATCHED
        return attrs.evolve(
            self, status=status, ended_at=None, end_reason=None, end_concluded=False
        )._noted("reopened", at, source)

    def claimed_after_end(self, holder: str, now: datetime, lease: timedelta) -> Session:
        """As one that has ended and holds its room under a claim, so that no other begins there."""
        claim = DispatchClaim().taken(holder, now + lease)
        return attrs.evolve(self, status=_FAILED, claim=claim)

    def ended_again(self) -> Session:
        """After it held its room: as it ended before."""
        return attrs.evolve(self, status=_ENDED, claim=DispatchClaim())

    @property
    def _dispatch_brought_one(self) -> bool:
        """Whether an agent has joined since the dispatch, so that it tells nothing of another."""
        if self.agent_joined_at is None or self.dispatched_at is None:
            return False
        return self.agent_joined_at >= self.dispatched_at

    def _expecting(self, dispatch_id: str, at: datetime) -> Session:
        attempts = self.dispatch_attempts + 1
        return self._moved(
            SessionStatus.AGENT_DISPATCHED,
            dispatch_id=dispatch_id,
            dispatched_at=at,
            dispatch_attempts=attempts,
            retry_at=at + retry_delay(attempts),
            agent_identity=None,
            agent_adopted=False,
            claim=DispatchClaim(),
        )

    def _noted(self, what: str, at: datetime, source: Source) -> Session:
        entries = sorted((*self.timeline, TimelineEntry(at, what, source)), key=lambda one: one.at)
        if len(entries) > _TIMELINE_LENGTH:
            del entries[_TIMELINE_BEGINNING]
        return attrs.evolve(self, timeline=tuple(entries))

    def _moved(self, status: SessionStatus, **changes: Any) -> Session:
        if status not in LEGAL_MOVES[self.status]:
            raise IllegalTransition(f"Session {self.id} cannot go from {self.status} to {status}.")
        return attrs.evolve(self, status=status, **changes)
