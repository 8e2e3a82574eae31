"""Who may act on a session's agent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.rooms.dispatch import DispatchClaim
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.errors import ClaimHeld, IllegalTransition
from tests.unit.worlds.fakes import NOON
from tests.unit.worlds.world import LEASE, World

MS = timedelta(milliseconds=1)


@pytest.fixture
def session() -> Session:
    return World().new_session()


def test_given_a_free_claim_then_it_is_taken_and_certain(session: Session) -> None:
    claimed = session.claimed("a", NOON, LEASE)
    assert claimed.claim == DispatchClaim("a", NOON + LEASE, uncertain=False)


@pytest.mark.parametrize("after", [timedelta(0), MS, LEASE - MS])
def test_given_a_running_lease_then_another_is_turned_away(
    session: Session, after: timedelta
) -> None:
    claimed = session.claimed("a", NOON, LEASE)
    assert claimed.claim.is_held(NOON + after)
    with pytest.raises(ClaimHeld):
        claimed.claimed("b", NOON + after, LEASE)


@pytest.mark.parametrize("after", [LEASE, LEASE + MS, timedelta(days=1)])
def test_given_an_expired_lease_then_another_takes_over_uncertain_of_what_was_done(
    session: Session, after: timedelta
) -> None:
    claimed = session.claimed("a", NOON, LEASE)
    assert not claimed.claim.is_held(NOON + after)
    taken = claimed.claimed("b", NOON + after, LEASE).claim
    assert taken == DispatchClaim("b", NOON + after + LEASE, uncertain=True)


@pytest.mark.parametrize("after", [MS, LEASE, LEASE + MS])
def test_given_its_own_claim_then_a_holder_takes_it_again_and_stays_certain(
    session: Session, after: timedelta
) -> None:
    claimed = session.claimed("a", NOON, LEASE)
    assert claimed.claimed("a", NOON + after, LEASE).claim == DispatchClaim(
        "a", NOON + after + LEASE
    )


def test_a_renewed_claim_runs_from_now_and_keeps_its_holder(session: Session) -> None:
    claimed = session.claimed("a", NOON, LEASE)
    assert claimed.renewed(NOON + MS, LEASE).claim == DispatchClaim("a", NOON + MS + LEASE)


def test_a_renewed_claim_stays_as_uncertain_as_it_was(session: Session) -> None:
    taken = session.claimed("a", NOON, LEASE).claimed("b", NOON + LEASE, LEASE)
    assert taken.renewed(NOON + LEASE, LEASE).claim.uncertain


@pytest.mark.parametrize("uncertain", [True, False])
def test_a_released_claim_is_free_at_once_and_as_certain_as_before(
    session: Session, *, uncertain: bool
) -> None:
    failed = session.with_dispatch_failed(NOON, uncertain=uncertain)
    released = failed.claimed("a", NOON, LEASE).released()
    assert released.claim == DispatchClaim(uncertain=uncertain)
    assert released.claimed("b", NOON, LEASE).claim.uncertain is uncertain


def test_uncertainty_lasts_through_holders_until_a_dispatch_is_recorded(session: Session) -> None:
    uncertain = session.with_dispatch_failed(NOON, uncertain=True).claimed("a", NOON, LEASE)
    assert uncertain.released().claimed("b", NOON, LEASE).claim.uncertain
    settled = uncertain.with_agent_dispatched("AD_1", NOON)
    assert not settled.claimed("b", NOON, LEASE).claim.uncertain


def test_an_ended_session_cannot_be_claimed(session: Session) -> None:
    ended = session.ended(EndReason.ROOM_FINISHED, NOON)
    with pytest.raises(IllegalTransition):
        ended.claimed("a", NOON, LEASE)


def test_a_claim_that_nobody_took_is_not_held() -> None:
    assert not DispatchClaim().is_held(NOON)
    assert not DispatchClaim(uncertain=True).is_held(NOON)


def test_given_the_same_holder_takes_it_again_then_it_is_as_certain_as_before() -> None:
    # A name that was read from a database equals this one and is another object.
    names = ["".join(["hold", "er"]), "".join(["hold", "er"])]
    claim = DispatchClaim().taken(names[0], NOON)

    assert not claim.taken(names[1], NOON + LEASE).uncertain
    assert claim.taken("another", NOON + LEASE).uncertain
