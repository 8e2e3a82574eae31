"""A session: one stay of an agent in one room."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.events.domain_event import EventKind
from domain.rooms.dispatch import DispatchClaim
from domain.sessions.retry_policy import STAYED, retry_delay, untaken_retry
from domain.sessions.seen_agent import UNNAMED_AGENT, SeenAgent
from domain.sessions.session_record import SessionRecord
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.errors import ClaimHeld, IllegalTransition
from domain.shared.identifiers import SessionId
from domain.shared.timeline import Source

AT_ONCE: Final = timedelta(seconds=2)
"""A dispatch that follows the session's creation within this is part of it."""


@attrs.frozen(kw_only=True)
class Session(SessionRecord):
    """One agent's session in one room; at most one in a room is live.

    Immutable: each method returns the session after a move, or raises ``IllegalTransition``.
    """

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

    def released(self) -> Session:
        """Release the claim and change nothing else."""
        return attrs.evolve(self, claim=self.claim.released())

    def settled(self) -> Session:
        """Release the claim with nothing uncertain."""
        return attrs.evolve(self, claim=DispatchClaim())

    def with_agent_dispatched(self, dispatch_id: str, at: datetime) -> Session:
        """Record that LiveKit accepted dispatch ``dispatch_id``; release the claim.

        The dispatch that a session begins with is not announced: docs/decisions/0016.
        """
        noted = self._expecting(dispatch_id, at)._noted("agent_dispatched", at, Source.API)
        is_new = self.status is SessionStatus.CREATED and self.join_until is None
        if is_new and at - self.created_at < AT_ONCE:
            return noted
        return noted._with_news(EventKind.SESSION_AGENT_DISPATCHED, at, Source.API)

    def with_agent_adopted(self, dispatch_id: str, at: datetime, source: Source) -> Session:
        """Record a dispatch found in the room that another program, or a lost ledger, made."""
        adopted = attrs.evolve(self._expecting(dispatch_id, at), agent_adopted=True)
        noted = adopted._noted("agent_adopted", at, source)
        return noted._with_news(EventKind.SESSION_AGENT_DISPATCHED, at, source)

    def with_dispatch_failed(
        self, at: datetime, *, uncertain: bool, settles_at: datetime | None = None
    ) -> Session:
        """Record a failed dispatch; release the claim, at ``settles_at`` if given.

        ``uncertain``: an agent may have been dispatched nevertheless; the next holder must ask
        LiveKit first.
        """
        return self._moved(
            SessionStatus.DISPATCH_FAILED,
            dispatch_attempts=self.dispatch_attempts + 1,
            retry_at=at + retry_delay(self.dispatch_attempts + 1),
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
        brought = joins and self._dispatch_brought_agent
        its_own = agent.dispatch_id in (None, self.dispatch_id) and not brought
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
        """End the session; the end is final unless it was ``concluded`` from an absence.

        One that is not final is announced later.
        """
        announced = self.only_holds_room and not self.end_pending
        ended = self._moved(
            SessionStatus.ENDED,
            ended_at=at,
            end_reason=reason,
            end_concluded=concluded,
            end_pending=concluded and not announced,
            claim=DispatchClaim(),
        )._noted("ended", at, source)
        if announced:
            return ended._with_news(EventKind.SESSION_CORRECTED, at, source)
        return ended if concluded else ended._with_news(EventKind.SESSION_ENDED, at, source)

    def end_announced(self) -> Session:
        """Announce an end that was concluded, as nothing has corrected it."""
        ends = [entry for entry in self.timeline if entry.what == "ended"]
        at = self.ended_at or self.created_at
        source = ends[-1].source if ends else Source.RECONCILER
        announced = attrs.evolve(self, end_pending=False)
        return announced._with_news(EventKind.SESSION_ENDED, at, source)

    def ended_by_caller_too(self, at: datetime) -> Session:
        """Let no user's token begin an ended session again, as a caller has ended it."""
        by_caller = attrs.evolve(
            self, join_until=None, end_reason=EndReason.ENDED_BY_CALLER, end_concluded=False
        )
        if self.end_pending:
            return by_caller.end_announced()
        if self.end_reason is EndReason.ENDED_BY_CALLER:
            return by_caller
        return by_caller._with_news(EventKind.SESSION_CORRECTED, at, Source.API)

    def reopened(self, at: datetime, source: Source) -> Session:
        """Undo an end that was concluded, after the room was seen again.

        Nothing need be said of one that was not announced.
        """
        if not self.end_concluded:
            raise IllegalTransition(f"Session {self.id} has ended and cannot be reopened.")
        status = SessionStatus.DISPATCH_FAILED
        if self.agent_identity is not None:
            status = SessionStatus.ACTIVE
        elif self.dispatch_id is not None and self.agent_left_at is None:
            status = SessionStatus.AGENT_DISPATCHED
        again = attrs.evolve(
            self,
            status=status,
            ended_at=None,
            end_reason=None,
            end_concluded=False,
            end_pending=False,
        )._noted("reopened", at, source)
        if self.end_pending:
            return again
        return again._with_news(EventKind.SESSION_CORRECTED, at, source)

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
        return self._moved(
            SessionStatus.AGENT_DISPATCHED,
            dispatch_id=dispatch_id,
            dispatched_at=at,
            dispatch_attempts=self.dispatch_attempts + 1,
            retry_at=at + retry_delay(self.dispatch_attempts + 1),
            agent_identity=None,
            agent_adopted=False,
            claim=DispatchClaim(),
        )
