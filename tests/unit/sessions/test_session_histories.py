"""Whatever is asked of a session in whatever order, what it says of itself stays true.

Only here is the entity alone, without use cases, storage and LiveKit, so that moves come in orders
which no use case makes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.errors import ClaimHeld, IllegalTransition
from tests.examples import examples
from tests.unit.worlds.fakes import NOON
from tests.unit.worlds.world import LEASE, World


class SessionHistory(RuleBasedStateMachine):
    """Any sequence of requests to one session, beside a few facts that we note ourselves."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.session = World().new_session()
        self.first = self.session
        self.final: Session | None = None
        self.dispatches = 0
        self.holder: str | None = None
        self.held_until = NOON

    def _move(self, move: Callable[[], Session]) -> bool:
        try:
            self.session = move()
        except IllegalTransition:
            return False
        return True

    @rule(seconds=st.integers(1, 20))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(holder=st.sampled_from("abc"))
    def claim(self, holder: str) -> None:
        held_by_another = self.holder not in (None, holder) and self.now < self.held_until
        try:
            claimed = self._move(lambda: self.session.claimed(holder, self.now, LEASE))
        except ClaimHeld:
            assert held_by_another
            return
        if claimed:
            assert not held_by_another
            left_behind = self.holder not in (None, holder)
            assert self.session.claim.uncertain or not left_behind
            self.holder, self.held_until = holder, self.now + LEASE

    @precondition(lambda self: self.final is None)
    @rule()
    def release(self) -> None:
        self.session = self.session.released()
        self.holder = None

    @rule()
    def dispatched(self) -> None:
        self.dispatches += 1
        dispatch_id = f"AD_{self.dispatches}"
        if self._move(lambda: self.session.with_agent_dispatched(dispatch_id, self.now)):
            assert self.session.dispatch_id == dispatch_id
            assert not self.session.claim.uncertain
            self.holder = None

    @rule(uncertain=st.booleans())
    def failed(self, *, uncertain: bool) -> None:
        if self._move(lambda: self.session.with_dispatch_failed(NOON, uncertain=uncertain)):
            self.holder = None

    @rule()
    def seen(self) -> None:
        if self._move(lambda: self.session.activated("RM_1", self.now)):
            self.holder = self.session.claim.holder

    @rule(reason=st.sampled_from(EndReason))
    def ended(self, reason: EndReason) -> None:
        if self._move(lambda: self.session.ended(reason, self.now)):
            assert self.final is None
            self.final = self.session

    @invariant()
    def an_end_is_final(self) -> None:
        if self.final is not None:
            assert self.session == self.final

    @invariant()
    def it_tells_when_and_why_it_ended_if_and_only_if_it_did(self) -> None:
        ended = self.session.status is SessionStatus.ENDED
        assert (self.session.ended_at is not None) is ended
        assert (self.session.end_reason is not None) is ended
        assert self.session.is_live is not ended

    @invariant()
    def an_agent_is_dispatched_in_two_statuses_only(self) -> None:
        assert self.session.agent_dispatched is (
            self.session.status in (SessionStatus.AGENT_DISPATCHED, SessionStatus.ACTIVE)
        )

    @invariant()
    def a_dispatched_agent_has_a_dispatch_and_its_time(self) -> None:
        if self.session.status is SessionStatus.AGENT_DISPATCHED:
            assert self.session.dispatch_id is not None
        assert (self.session.dispatch_id is None) is (self.session.dispatched_at is None)

    @invariant()
    def an_active_one_was_seen_in_a_room(self) -> None:
        if self.session.status is SessionStatus.ACTIVE:
            assert self.session.room_sid is not None
            assert self.session.active_at is not None

    @invariant()
    def a_holder_has_a_lease_and_nobody_holds_an_ended_one(self) -> None:
        claim = self.session.claim
        assert (claim.holder is None) is (claim.expires_at is None)
        assert self.session.is_live or claim.holder is None

    @invariant()
    def who_and_where_never_change(self) -> None:
        def fixed(session: Session) -> tuple[object, ...]:
            return (
                session.id,
                session.room_name,
                session.identity,
                session.agent_name,
                session.created_at,
                session.agent_config,
            )

        assert fixed(self.session) == fixed(self.first)


TestSessionHistory = SessionHistory.TestCase
TestSessionHistory.settings = examples(60, stateful_step_count=30)
