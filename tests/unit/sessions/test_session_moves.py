"""A session's life: which moves are legal, and what each records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from domain.rooms.dispatch import DispatchClaim
from domain.rooms.room import Dispatch
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.errors import IllegalTransition
from tests.unit.worlds.fakes import NOON
from tests.unit.worlds.world import AGENT, LEASE, World

LATER = NOON + timedelta(seconds=1)
CREATED, DISPATCHED, FAILED, ACTIVE, ENDED = (
    SessionStatus.CREATED,
    SessionStatus.AGENT_DISPATCHED,
    SessionStatus.DISPATCH_FAILED,
    SessionStatus.ACTIVE,
    SessionStatus.ENDED,
)
MOVES: dict[SessionStatus, Callable[[Session], Session]] = {
    DISPATCHED: lambda session: session.with_agent_dispatched("AD_1", LATER),
    FAILED: lambda session: session.with_dispatch_failed(NOON, uncertain=False),
    ACTIVE: lambda session: session.activated("RM_1", LATER),
    ENDED: lambda session: session.ended(EndReason.ENDED_BY_CALLER, LATER),
}
LEGAL = {
    (CREATED, DISPATCHED),
    (CREATED, FAILED),
    (CREATED, ACTIVE),
    (CREATED, ENDED),
    (DISPATCHED, DISPATCHED),
    (DISPATCHED, FAILED),
    (DISPATCHED, ACTIVE),
    (DISPATCHED, ENDED),
    (FAILED, DISPATCHED),
    (FAILED, FAILED),
    (FAILED, ACTIVE),
    (FAILED, ENDED),
    (ACTIVE, DISPATCHED),
    (ACTIVE, FAILED),
    (ACTIVE, ACTIVE),
    (ACTIVE, ENDED),
}


def in_status(status: SessionStatus) -> Session:
    """A session that came to ``status`` by legal moves, claimed where that is possible."""
    session = World().new_session()
    if status is ACTIVE:
        session = MOVES[DISPATCHED](session)
    if status is not CREATED:
        session = MOVES[status](session)
    return session if status is ENDED else session.claimed("me", NOON, LEASE)


@pytest.mark.parametrize("before", SessionStatus)
@pytest.mark.parametrize("after", MOVES)
def test_every_move_is_legal_or_refused_as_the_table_says(
    before: SessionStatus, after: SessionStatus
) -> None:
    session = in_status(before)
    if (before, after) in LEGAL:
        assert MOVES[after](session).status is after
        return
    with pytest.raises(IllegalTransition) as caught:
        MOVES[after](session)
    assert before in str(caught.value)
    assert after in str(caught.value)


def test_a_new_session_is_created_and_has_nothing_yet() -> None:
    session = World().new_session()
    assert session.status is CREATED
    assert session.is_live
    assert not session.agent_dispatched
    assert session.claim == DispatchClaim()
    assert session.version == 0
    assert (session.room_sid, session.dispatch_id, session.end_reason) == (None, None, None)
    assert (session.dispatched_at, session.active_at, session.ended_at) == (None, None, None)


@pytest.mark.parametrize(
    ("status", "dispatched"),
    [(CREATED, False), (DISPATCHED, True), (FAILED, False), (ACTIVE, True), (ENDED, False)],
)
def test_an_agent_is_dispatched_only_while_it_is_known_to_be(
    status: SessionStatus, *, dispatched: bool
) -> None:
    assert in_status(status).agent_dispatched is dispatched


@pytest.mark.parametrize("status", SessionStatus)
def test_a_session_is_live_until_it_has_ended(status: SessionStatus) -> None:
    assert in_status(status).is_live is (status is not ENDED)


def test_a_dispatch_is_recorded_and_gives_the_claim_back() -> None:
    session = in_status(CREATED).with_agent_dispatched("AD_7", LATER)
    assert (session.dispatch_id, session.dispatched_at) == ("AD_7", LATER)
    assert session.claim == DispatchClaim()


@pytest.mark.parametrize("uncertain", [True, False])
def test_a_failed_dispatch_gives_the_claim_back_and_says_how_certain_it_is(
    *, uncertain: bool
) -> None:
    session = in_status(CREATED).with_dispatch_failed(NOON, uncertain=uncertain)
    assert session.claim == DispatchClaim(uncertain=uncertain)


def test_a_failed_dispatch_does_not_forget_the_one_before() -> None:
    session = in_status(DISPATCHED).with_dispatch_failed(NOON, uncertain=True)
    assert session.dispatch_id == "AD_1"


def test_the_agents_first_sight_is_kept() -> None:
    session = in_status(DISPATCHED).activated("RM_1", NOON).activated("RM_1", LATER)
    assert session.active_at == NOON
    assert session.room_sid == "RM_1"


@pytest.mark.parametrize("reason", EndReason)
@pytest.mark.parametrize("status", [CREATED, DISPATCHED, FAILED, ACTIVE])
def test_an_end_is_recorded_with_its_reason_and_gives_the_claim_back(
    status: SessionStatus, reason: EndReason
) -> None:
    session = in_status(status).ended(reason, LATER)
    assert (session.ended_at, session.end_reason) == (LATER, reason)
    assert session.claim == DispatchClaim()


def test_moves_leave_the_session_they_start_from_alone() -> None:
    session = in_status(CREATED)
    MOVES[ENDED](session)
    assert session.status is CREATED
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        session.status = ENDED  # type: ignore[misc]


def test_storing_counts_up_and_changes_nothing_else() -> None:
    session = in_status(CREATED)
    assert session.stored() == attrs.evolve(session, version=1)
    assert session.stored().stored().version == 2


def test_a_session_owns_the_dispatches_that_carry_its_id_for_its_agent() -> None:
    session = World().new_session()
    mine = str(session.id)
    assert session.owns(Dispatch("AD_1", AGENT, mine))
    assert not session.owns(Dispatch("AD_1", "", mine))
    assert not session.owns(Dispatch("AD_1", "another", mine))
    assert not session.owns(Dispatch("AD_1", AGENT, None))
    assert not session.owns(Dispatch("AD_1", AGENT, "another"))


def test_the_metadata_carries_the_sessions_id() -> None:
    session = World().new_session()
    assert f'"session_id":"{session.id}"' in session.metadata()


def test_given_the_agents_dispatch_was_not_known_then_it_was_when_the_agent_was_seen() -> None:
    session = World().new_session()

    known = session.with_agent_dispatched("AD_1", NOON).activated("RM_1", LATER)
    found = session.with_dispatch_failed(NOON, uncertain=True).activated(
        "RM_1", LATER, SeenAgent(dispatch_id="AD_2")
    )
    nobodys = session.with_dispatch_failed(NOON, uncertain=True).activated("RM_1", LATER)

    assert (known.dispatch_id, known.dispatched_at) == ("AD_1", NOON)
    assert (found.dispatch_id, found.dispatched_at) == ("AD_2", LATER)
    assert (nobodys.dispatch_id, nobodys.dispatched_at) == (None, None)


@pytest.mark.parametrize("name", ["a", "z" * 99])
def test_a_dispatch_of_another_agent_is_not_the_sessions(name: str) -> None:
    session = World().new_session()
    own = Dispatch("AD_1", "".join(AGENT), str(session.id))

    assert session.owns(own)
    assert not session.owns(attrs.evolve(own, agent_name=name))
    assert not session.owns(attrs.evolve(own, session_id="another"))
