"""Which of two agents stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.agent_config import AgentConfig
from domain.agent_presence import AgentPresence, AgentTimeouts, RoomContents, presence_of
from domain.identifiers import Identity, RoomName, SessionId
from domain.room import Dispatch, Job, JobStatus, Participant, ParticipantKind, Room
from domain.session import SeenAgent, Session

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


def presence(session: Session, *dispatches: Dispatch) -> AgentPresence:
    """Of ``session`` in a room where ``first`` and then ``second`` joined."""
    first = Participant("first", ParticipantKind.AGENT, AGENT, joined_at=NOW + SECOND)
    second = Participant("second", ParticipantKind.AGENT, AGENT, joined_at=NOW + 2 * SECOND)
    contents = RoomContents(
        room=Room("room", "RM_1"), participants=[second, first], dispatches=dispatches
    )
    return presence_of(session, contents, NOW + 3 * SECOND, AgentTimeouts())


def dispatch(id: str, agent: str | None) -> Dispatch:  # noqa: A002 - as in Dispatch
    jobs = () if agent is None else (Job(id="AJ", status=JobStatus.RUNNING, agent_identity=agent),)
    return Dispatch(id, AGENT, None, jobs)


def test_given_neither_is_known_then_the_one_that_joined_first_stays() -> None:
    found = presence(session(), dispatch("AD_own", None))
    assert found.agent is not None
    assert found.agent.identity == "first"
    assert found.surplus_agents == ("second",)


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
