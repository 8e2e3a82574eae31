"""A session: one stay of an agent in one room."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from domain.agents.agent_config import AgentConfig
from domain.rooms.dispatch import DispatchClaim
from domain.rooms.room import Dispatch
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.retry_policy import STAYED, retry_delay, untaken_retry
from domain.sessions.seen_agent import UNNAMED_AGENT, SeenAgent
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import LEGAL_MOVES, EndReason, SessionStatus
from domain.sessions.session_timeline import with_entry
from domain.shared.errors import ClaimHeld, IllegalTransition
from domain.shared.identifiers import AgentId, Identity, SessionId
from domain.shared.timeline import Source, TimelineEntry


@attrs.frozen(kw_only=True)
class Session(SessionOutline):
    """One agent's session in one room; at most one in a room is live.

    Immutable: each method returns the session after a move, or raises
    :class:`IllegalTransition`. ``tenant`` owns the key that it was started with; None without keys.

    ``agent_identity`` is the participant that serves the session; an agent beside it is surplus.
    ``agent_id`` and ``agent_version``: the saved agent that it began with. ``agent_adopted``: the
    agent, or its dispatch, was found in the room. ``dispatch_attempts``: since an agent last
    stayed. ``end_concluded``: from an absence, so that a presence can correct the end.
    """

    identity: Identity
    agent_name: str
    agent_config: AgentConfig
    agent_id: AgentId | None = None
    agent_version: int | None = None
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
    def agent_dispatched(self) -> bool:
        """Whether an agent is known to have been dispatched and not known to be gone."""
        return self.status in (SessionStatus.AGENT_DISPATCHED, SessionStatus.ACTIVE)

    @property
    def join_latency(self) -> timedelta | None:
        """How long the agent took to join after its dispatch; None if that is not known."""
        if self.agent_adopted or self.agent_joined_at is None or self.dispatched_at is None:
            return None
        latency = self.agent_joined_at - self.dispatched_at
        # A dispatch that became known when its agent was seen has no latency.
        return latency if latency > timedelta() else None

    def owns(self, dispatch: Dispatch) -> bool:
        """Whether LiveKit's ``dispatch`` was made for this session, or adopted by it."""
        return dispatch.agent_name == self.agent_name and (
            dispatch.id == self.dispatch_id or dispatch.session_id == str(self.id)
        )

    def metadata(self) -> str:
        """Return the dispatch metadata that the worker reads as ``ctx.job.metadata``."""
        phone = {} if self.phone is None else self.phone.metadata()
        return self.agent_config.metadata(session_id=str(self.id), **phone)

    def begun(self, session_id: SessionId, holder: str, now: datetime, lease: timedelta) -> Session:
        """Return a new session with this content, its claim held until ``now + lease``."""
        claim = DispatchClaim().taken(holder, now + lease)
        return attrs.evolve(self, id=session_id, created_at=now, claim=claim)

    def claimed(self, holder: str, now: datetime, lease: timedelta) -> Session:
        """Take the dispatch claim for ``holder`` until ``now + lease``.

        Raises :class:`ClaimHeld` while another holder's lease runs.
        """
        if not self.is_live:
            raise IllegalTransition(f"Session {self.id} has ended and cannot be claimed.")
        if self.claim.is_held(now) and self.claim.holder != holder:
            raise ClaimHeld(f"Session {self.id} is being worked on by another request.")
        return attrs.evolve(self, claim=self.claim.taken(holder, now + lease))

    def renewed(self, now: datetime, lease: timedelta) -> Session:
        """Extend the same holder's claim until ``now + lease``."""
        return attrs.evolve(self, claim=attrs.evolve(self.claim, expires_at=now + lease))

    def stored(self) -> Session:
        """Return the session as it is read once this change is stored."""
        return attrs.evolve(self, version=self.version + 1)

    def released(self) -> Session:
        """Release the claim and change nothing else."""
        return attrs.evolve(self, claim=self.claim.released())

    def settled(self) -> Session:
        """Release the claim with nothing uncertain."""
        return attrs.evolve(self, claim=DispatchClaim())

    def with_agent_dispatched(self, dispatch_id: str, at: datetime) -> Session:
        """Record that LiveKit accepted dispatch ``dispatch_id``; release the claim."""
        return self._expecting(dispatch_id, at)._noted("agent_dispatched", at, Source.API)

    def with_agent_adopted(self, dispatch_id: str, at: datetime, source: Source) -> Session:
        """Record a dispatch found in the room that another program, or a lost ledger, made."""
        adopted = attrs.evolve(self._expecting(dispatch_id, at), agent_adopted=True)
        return adopted._noted("agent_adopted", at, source)

    def with_dispatch_failed(
        self, at: datetime, *, uncertain: bool, settles_at: datetime | None = None
    ) -> Session:
        """Record a failed dispatch; release the claim, at ``settles_at`` if given.

        ``uncertain``: an agent may have been dispatched nevertheless; the next holder must ask
        LiveKit first.
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
        """Record that the agent was seen in room instance ``room_sid``; nothing stays uncertain."""
        again = self.status is not SessionStatus.ACTIVE or self.room_sid != room_sid
        known = None if again else self.agent_identity
        joins = again or (known is not None and agent.identity not in (None, known))
        is_known = agent.dispatch_id in (None, self.dispatch_id)
        its_own = is_known and not (joins and self._dispatch_brought_agent)
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
        """Record that the agent left, or did not join in time; ignored if none was expected.

        One that no worker had ``taken`` is dispatched again sooner: it waited for a worker already,
        and LiveKit drops some of the jobs that an idle worker is offered at once.
        """
        if not self.agent_dispatched:
            return self
        left = self.status is SessionStatus.ACTIVE
        stayed = left and self.agent_joined_at is not None and at - self.agent_joined_at >= STAYED
        untaken_at = untaken_retry(self.dispatch_attempts, self.retry_at, at)
        return self._moved(
            SessionStatus.DISPATCH_FAILED,
            agent_identity=None,
            agent_left_at=at if left else self.agent_left_at,
            dispatch_attempts=0 if stayed else self.dispatch_attempts,
            retry_at=at if stayed else self.retry_at if taken else untaken_at,
            claim=self.claim.released(),
        )._noted("agent_left" if left else "agent_never_joined", at, source)

    def ended(
        self,
        reason: EndReason,
        at: datetime,
        source: Source = Source.API,
        *,
        concluded: bool = False,
    ) -> Session:
        """End the session; the end is final unless it was ``concluded`` from an absence."""
        return self._moved(
            SessionStatus.ENDED,
            ended_at=at,
            end_reason=reason,
            end_concluded=concluded,
            claim=DispatchClaim(),
        )._noted("ended", at, source)

    def reopened(self, at: datetime, source: Source) -> Session:
        """Undo an end that was concluded, after the room was seen again."""
        if not self.end_concluded:
            raise IllegalTransition(f"Session {self.id} has ended and cannot be reopened.")
        status = SessionStatus.DISPATCH_FAILED
        if self.agent_identity is not None:
            status = SessionStatus.ACTIVE
        elif self.dispatch_id is not None and self.agent_left_at is None:
            status = SessionStatus.AGENT_DISPATCHED
        return attrs.evolve(
            self, status=status, ended_at=None, end_reason=None, end_concluded=False
        )._noted("reopened", at, source)

    def claimed_after_end(self, holder: str, now: datetime, lease: timedelta) -> Session:
        """Hold the ended session's room under a claim, so that no other session begins there."""
        claim = DispatchClaim().taken(holder, now + lease)
        return attrs.evolve(self, status=SessionStatus.DISPATCH_FAILED, claim=claim)

    def ended_again(self) -> Session:
        """End again, as before, after the session held its room."""
        return attrs.evolve(self, status=SessionStatus.ENDED, claim=DispatchClaim())

    @property
    def _dispatch_brought_agent(self) -> bool:
        """Whether an agent has joined since the dispatch, which then explains no other agent."""
        joined, dispatched = self.agent_joined_at, self.dispatched_at
        return joined is not None and dispatched is not None and joined >= dispatched

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
        return attrs.evolve(self, timeline=with_entry(self.timeline, at, what, source))

    def _moved(self, status: SessionStatus, **changes: Any) -> Session:
        if status not in LEGAL_MOVES[self.status]:
            raise IllegalTransition(f"Session {self.id} cannot go from {self.status} to {status}.")
        return attrs.evolve(self, status=status, **changes)
