"""Which of two agents stays, and which one is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from domain.agents.agent_config import AgentConfig
from domain.rooms.room import Dispatch, Job, JobStatus, Participant, ParticipantKind, Room
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.agent_timeouts import JOINED_WITHIN, TAKEN_WITHIN, AgentTimeouts
from domain.sessions.judge_presence import presence_of
from domain.sessions.room_contents import RoomContents
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.shared.identifiers import Identity, RoomName, SessionId

AGENT = "agent"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def session() -> Session:
    new = Session(
        id=SessionId("01890000-0000-7000-8000-000000000001"),
        room_name=RoomName("room"),
        identity=Identity("ann"),
        agent_name=AGENT,
        agent_config=AgentConfig.parse(None),
        created_at=NOW,
    )
    return new.with_agent_dispatched("AD_own", NOW)


FIRST = Participant("first", ParticipantKind.AGENT, AGENT, joined_at=NOW + SECOND)
SECOND_ONE = Participant("second", ParticipantKind.AGENT, AGENT, joined_at=NOW + 2 * SECOND)


def presence(
    session: Session,
    *dispatches: Dispatch,
    agents: Sequence[Participant] = (SECOND_ONE, FIRST),
    after: timedelta = 3 * SECOND,
) -> AgentPresence:
    """Of ``session`` in a room with ``agents``, ``after`` its dispatch."""
    contents = RoomContents(
        room=Room("room", "RM_1"), participants=agents, dispatches=dispatches, left=("first",)
    )
    return presence_of(session, contents, NOW + after, AgentTimeouts())


def dispatch(id: str, agent: str | None) -> Dispatch:  # noqa: A002 - as in Dispatch
    jobs = () if agent is None else (Job(id="AJ", status=JobStatus.RUNNING, agent_identity=agent),)
    return Dispatch(id, AGENT, None, jobs)


def test_given_neither_is_known_then_the_one_that_joined_first_stays() -> None:
    found = presence(session(), dispatch("AD_own", None), after=TAKEN_WITHIN)
    assert found.agent is not None
    assert found.agent.identity == "first"
    assert found.surplus_agents == ("second",)


def test_given_livekit_may_list_soon_whose_they_are_then_none_is_removed_until_then() -> None:
    found = presence(session(), dispatch("AD_own", None), after=TAKEN_WITHIN - SECOND)
    assert found.is_undecided
    assert not found.has_surplus
    listed = presence(session(), dispatch("AD_own", "second"), after=TAKEN_WITHIN - SECOND)
    assert listed.agent is not None
    assert (listed.agent.identity, listed.surplus_agents) == ("second", ("first",))


def test_given_the_ledger_names_one_then_it_stays_though_the_other_was_first() -> None:
    active = session().activated("RM_1", NOW, SeenAgent(identity="second"))
    found = presence(active, dispatch("AD_own", None), dispatch("AD_other", "first"))
    assert found.agent is not None
    assert found.agent.identity == "second"
    assert found.surplus_agents == ("first",)
    assert found.surplus_dispatches == ("AD_other",)


def test_given_an_ended_session_s_agent_was_reported_first_then_the_own_dispatch_s_stays() -> None:
    active = session().activated("RM_1", NOW, SeenAgent(identity="first"))
    found = presence(active, dispatch("AD_own", "second"))
    assert found.agent is not None
    assert (found.agent.identity, found.dispatch_id) == ("second", "AD_own")
    assert found.surplus_agents == ("first",)
    assert found.surplus_dispatches == ()


@pytest.mark.parametrize(
    ("brings", "after", "expected"),
    [
        ("second", 3 * SECOND, AgentState.JOINING),
        ("second", JOINED_WITHIN, AgentState.LEFT),
        ("first", 3 * SECOND, AgentState.LEFT),
        (None, 3 * SECOND, AgentState.LEFT),
    ],
)
def test_given_an_ended_session_s_agent_came_and_left_then_the_own_dispatch_s_is_waited_for(
    brings: str | None, after: timedelta, expected: AgentState
) -> None:
    active = session().activated("RM_1", NOW, SeenAgent(identity="first"))
    found = presence(active, dispatch("AD_own", brings), agents=(), after=after)
    assert found.state is expected
