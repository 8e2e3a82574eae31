"""Which of several agents is kept, and which dispatches and agents are surplus."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import attrs
import pytest

from domain.rooms.room import Dispatch, JobStatus, Participant
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.judge_presence import presence_of
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from tests.unit.sessions.test_agent_presence import (
    ACTIVE,
    CREATED,
    DISPATCHED,
    FAILED,
    SECOND,
    TIMEOUTS,
    USER,
    agent,
    contents,
    job,
    ours,
    theirs,
)
from tests.unit.worlds.fakes import NOON


def judged(
    session: Session, *participants: Participant, dispatches: Sequence[Dispatch] = ()
) -> AgentPresence:
    """What is found, which is the same in whatever order LiveKit lists."""
    found = set()
    for some in itertools.permutations(participants):
        for listed in itertools.permutations(dispatches):
            what = contents(*some, dispatches=listed)
            presence = presence_of(session, what, NOON + SECOND, TIMEOUTS)
            agents = tuple(sorted(presence.surplus_agents))
            surplus = tuple(sorted(presence.surplus_dispatches))
            found.add(attrs.evolve(presence, surplus_agents=agents, surplus_dispatches=surplus))
    [presence] = found
    return presence


def kept(presence: AgentPresence) -> str | None:
    return None if presence.agent is None else presence.agent.identity


# Which agent is kept


def test_the_agent_that_the_ledger_names_is_kept_though_another_joined_first() -> None:
    found = judged(ACTIVE, agent("agent-0", joined=-9), agent("agent-1", joined=5))
    assert kept(found) == "agent-1"
    assert found.surplus_agents == ("agent-0",)


def test_without_a_named_agent_that_of_the_ledgers_dispatch_is_kept() -> None:
    found = judged(
        DISPATCHED,
        agent("agent-0", joined=-9),
        agent("agent-1", joined=5),
        dispatches=[theirs("AD_x", job("agent-0")), ours("AD_1", job("agent-1"))],
    )
    assert kept(found) == "agent-1"
    assert found.surplus_agents == ("agent-0",)
    assert found.surplus_dispatches == ("AD_x",)


def test_a_dispatch_that_landed_after_its_time_out_is_kept_before_one_of_others() -> None:
    found = judged(
        FAILED,
        agent("agent-0", joined=-9),
        agent("agent-2", joined=5),
        dispatches=[theirs("AD_x", job("agent-0")), ours("AD_2", job("agent-2"))],
    )
    assert kept(found) == "agent-2"
    assert found.dispatch_id == "AD_2"
    assert not found.adopted


def test_else_the_agent_that_joined_first_is_kept() -> None:
    found = judged(
        CREATED, agent("agent-b", joined=1), agent("agent-a", joined=2), agent("agent-c", joined=3)
    )
    assert kept(found) == "agent-b"
    assert set(found.surplus_agents) == {"agent-a", "agent-c"}


def test_an_agent_without_a_time_counts_as_the_last() -> None:
    timeless = attrs.evolve(agent("agent-a"), joined_at=None)
    assert kept(judged(CREATED, timeless, agent("agent-b", joined=9))) == "agent-b"


def test_agents_without_a_time_are_told_apart_by_their_identity() -> None:
    some = [attrs.evolve(agent(f"agent-{name}"), joined_at=None) for name in "cab"]
    assert kept(judged(CREATED, *some)) == "agent-a"


def test_an_agent_of_another_name_is_no_surplus() -> None:
    found = judged(ACTIVE, agent(), agent("agent-y", "another"), USER)
    assert not found.has_surplus


# Which dispatches are surplus


def test_given_the_kept_agents_dispatch_is_known_then_every_other_one_is_surplus() -> None:
    found = judged(
        ACTIVE,
        agent(),
        dispatches=[
            ours("AD_1", job()),
            ours("AD_2"),
            theirs("AD_3"),
            theirs("AD_4", job("agent-4")),
            Dispatch("AD_5", "another", None),
            Dispatch("AD_6", "", None),
        ],
    )
    assert set(found.surplus_dispatches) == {"AD_2", "AD_3", "AD_4"}
    assert found.surplus_agents == ()


@pytest.mark.parametrize("session", [ACTIVE, DISPATCHED, FAILED])
def test_given_the_agents_job_is_listed_late_then_a_dispatch_without_jobs_is_not_surplus(
    session: Session,
) -> None:
    found = judged(session, agent(), dispatches=[ours("AD_1")])
    assert not found.has_surplus, "it may be the kept agent's own"


def test_given_the_agents_job_is_listed_late_then_only_dispatches_of_others_are_surplus() -> None:
    found = judged(
        ACTIVE,
        agent("agent-1"),
        agent("agent-2", joined=1),
        dispatches=[ours("AD_1"), theirs("AD_2", job("agent-2"))],
    )
    assert kept(found) == "agent-1"
    assert found.surplus_dispatches == ("AD_2",)
    assert found.surplus_agents == ("agent-2",)


def test_an_agent_that_is_alone_is_never_surplus_and_neither_is_its_dispatch() -> None:
    for session, listed in itertools.product(
        [CREATED, DISPATCHED, ACTIVE, FAILED],
        [
            (),
            (ours("AD_1", job("agent-1")),),
            (theirs("AD_x", job("agent-1")),),
            (ours("AD_2", job("agent-1")), ours("AD_1")),
            (theirs("AD_x", job("agent-0", JobStatus.FAILED), job("agent-1")),),
        ],
    ):
        found = judged(session, agent("agent-1"), dispatches=listed)
        assert found.surplus_agents == ()
        own = {one.id for one in listed if "agent-1" in one.agents}
        assert not own & set(found.surplus_dispatches)


def test_of_several_dispatches_on_their_way_the_ledgers_is_kept() -> None:
    found = judged(DISPATCHED, dispatches=[theirs("AD_0"), ours("AD_1"), ours("AD_2")])
    assert (found.state, found.dispatch_id) == (AgentState.WAITING, "AD_1")
    assert set(found.surplus_dispatches) == {"AD_0", "AD_2"}


def test_of_several_dispatches_on_their_way_that_the_ledger_does_not_know_its_own_is_kept() -> None:
    found = judged(CREATED, dispatches=[theirs("AD_0"), ours("AD_2")])
    assert (found.dispatch_id, found.adopted) == ("AD_2", False)
    assert found.surplus_dispatches == ("AD_0",)


# Whose it is


@pytest.mark.parametrize(
    ("session", "listed", "dispatch_id", "adopted"),
    [
        (CREATED, (), None, True),
        (CREATED, (ours("AD_2", job()),), "AD_2", False),
        (CREATED, (ours("AD_2"),), "AD_2", False),  # its job is listed late
        (CREATED, (theirs("AD_x", job()),), "AD_x", True),
        (DISPATCHED, (), None, False),
        (DISPATCHED, (ours("AD_1", job()),), "AD_1", False),
        (DISPATCHED, (theirs("AD_x", job()),), "AD_x", True),
    ],
)
def test_an_agent_that_the_session_did_not_dispatch_is_adopted(
    session: Session,
    listed: tuple[Dispatch, ...],
    dispatch_id: str | None,
    adopted: bool,  # noqa: FBT001
) -> None:
    found = judged(session, agent(), dispatches=listed)
    assert found.agent == SeenAgent(identity="agent-1", dispatch_id=dispatch_id, adopted=adopted)
    assert (found.dispatch_id, found.adopted) == (dispatch_id, adopted)


@pytest.mark.parametrize(
    ("participants", "listed", "foreign"),
    [
        ((agent(),), (ours("AD_1", job()),), False),
        ((agent(), USER), (Dispatch("AD_0", "", None),), False),
        ((agent("agent-y", "another"),), (), True),
        ((agent("agent-y", None),), (), True),
        ((), (Dispatch("AD_y", "another", None),), True),
    ],
)
def test_a_foreign_agent_is_one_of_another_name(
    participants: tuple[Participant, ...],
    listed: tuple[Dispatch, ...],
    foreign: bool,  # noqa: FBT001
) -> None:
    found = contents(*participants, dispatches=listed)
    assert found.has_foreign_agent(DISPATCHED.agent_name) is foreign
