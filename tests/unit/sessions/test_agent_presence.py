"""Where an agent is, which one is kept and what is surplus, read off what LiveKit lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from domain.agents.agent_config import AgentConfig
from domain.rooms.room import Dispatch, Job, JobStatus, Participant, ParticipantKind, Room
from domain.sessions.agent_presence import AgentState
from domain.sessions.agent_timeouts import AgentTimeouts
from domain.sessions.judge_presence import presence_of
from domain.sessions.room_contents import RoomContents
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.shared.identifiers import Identity, RoomName, SessionId
from domain.shared.timeline import Source
from tests.unit.worlds.fakes import NOON
from tests.unit.worlds.world import AGENT, MOMENT

SECOND = timedelta(seconds=1)
TIMEOUTS = AgentTimeouts(taken_within=8 * SECOND, joined_within=60 * SECOND)
ROOM = Room("room-1", "RM_1", 1)
USER = Participant("user-1", ParticipantKind.STANDARD)
ID = "00000000-0000-7000-8000-000000000001"

CREATED = Session(
    id=SessionId(ID),
    room_name=RoomName("room-1"),
    identity=Identity("user-1"),
    agent_name=AGENT,
    agent_config=AgentConfig.parse(None),
    created_at=NOON,
)
DISPATCHED = CREATED.with_agent_dispatched("AD_1", NOON)
ACTIVE = DISPATCHED.activated("RM_1", NOON, SeenAgent(identity="agent-1"))
LEFT = ACTIVE.without_agent(NOON, Source.WEBHOOK)
FAILED = CREATED.with_dispatch_failed(NOON, uncertain=False)


def agent(identity: str = "agent-1", name: str | None = AGENT, joined: int = 0) -> Participant:
    """An agent that joined so many seconds after noon."""
    return Participant(
        identity, ParticipantKind.AGENT, name, joined_at=NOON + timedelta(seconds=joined)
    )


def job(identity: str = "agent-1", status: JobStatus = JobStatus.RUNNING) -> Job:
    return Job(id=f"AJ_{identity}", status=status, agent_identity=identity)


def ours(dispatch_id: str = "AD_1", *jobs: Job) -> Dispatch:
    """A dispatch that names the session."""
    return Dispatch(dispatch_id, AGENT, ID, jobs)


def theirs(dispatch_id: str = "AD_x", *jobs: Job) -> Dispatch:
    """A dispatch of our agent that another program made."""
    return Dispatch(dispatch_id, AGENT, None, jobs)


def contents(
    *participants: Participant,
    dispatches: Sequence[Dispatch] | None = (),
    left: Sequence[str] = (),
) -> RoomContents:
    return RoomContents(room=ROOM, participants=participants, dispatches=dispatches, left=left)


def state(session: Session, found: RoomContents, after: timedelta = timedelta()) -> AgentState:
    return presence_of(session, found, NOON + after, TIMEOUTS).state


# The agent is in the room


@pytest.mark.parametrize("session", [CREATED, DISPATCHED, ACTIVE, LEFT, FAILED])
@pytest.mark.parametrize("listed", [None, (), (ours(),), (ours("AD_1", job()),)])
def test_an_agent_that_says_our_name_is_in_the_room(
    session: Session, listed: Sequence[Dispatch] | None
) -> None:
    found = presence_of(session, contents(agent(), dispatches=listed), NOON, TIMEOUTS)
    assert found.state is AgentState.IN_ROOM
    assert found.room is ROOM
    assert found.agent is not None
    assert found.agent.identity == "agent-1"
    assert not found.has_surplus
    assert not found.is_missing
    assert not found.is_expected


def test_an_agent_that_says_no_name_is_known_by_its_job() -> None:
    nameless = agent(name=None)
    assert state(DISPATCHED, contents(nameless, dispatches=[ours("AD_1", job())])) is (
        AgentState.IN_ROOM
    )
    assert state(DISPATCHED, contents(nameless, dispatches=[ours()])) is AgentState.WAITING
    foreign = Dispatch("AD_y", "another", None, (job(),))
    assert state(ACTIVE, contents(nameless, dispatches=[foreign])) is AgentState.LEFT


@pytest.mark.parametrize(
    "other",
    [
        USER,
        Participant("a", ParticipantKind.STANDARD, AGENT),
        Participant("a", ParticipantKind.SIP),
        Participant("a", ParticipantKind.EGRESS, AGENT),
        agent(name=None),
        agent(name="another"),
    ],
)
def test_others_are_not_the_agent(other: Participant) -> None:
    assert state(ACTIVE, contents(other)) is AgentState.LEFT


@pytest.mark.parametrize(
    ("participants", "has_people"),
    [
        ((), False),
        ((USER,), True),
        ((Participant("sip_1", ParticipantKind.SIP),), True),
        ((Participant("EG_1", ParticipantKind.EGRESS),), False),
        ((Participant("IN_1", ParticipantKind.INGRESS),), False),
        ((agent(),), False),
        ((agent(name="another"),), False),
    ],
)
def test_who_counts_as_a_person(
    participants: tuple[Participant, ...],
    has_people: bool,  # noqa: FBT001
) -> None:
    found = presence_of(DISPATCHED, contents(*participants), NOON, TIMEOUTS)
    assert found.has_people is has_people


# It is on its way


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(), AgentState.WAITING),
        (8 * SECOND - MOMENT, AgentState.WAITING),
        (8 * SECOND, AgentState.NOT_TAKEN),
    ],
)
def test_a_dispatch_without_a_job_is_waited_for_as_long_as_a_worker_may_take(
    after: timedelta, expected: AgentState
) -> None:
    assert state(DISPATCHED, contents(dispatches=[ours()]), after) is expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (8 * SECOND, AgentState.JOINING),
        (60 * SECOND - MOMENT, AgentState.JOINING),
        (60 * SECOND, AgentState.NEVER_JOINED),
    ],
)
@pytest.mark.parametrize("status", [JobStatus.PENDING, JobStatus.RUNNING])
def test_a_job_is_waited_for_as_long_as_its_agent_may_take_to_join(
    status: JobStatus, after: timedelta, expected: AgentState
) -> None:
    listed = [ours("AD_1", job(status=status))]
    assert state(DISPATCHED, contents(dispatches=listed), after) is expected


def test_a_job_without_an_agent_yet_is_waited_for() -> None:
    pending = Job(id="AJ_1", status=JobStatus.PENDING)
    listed = [ours("AD_1", pending)]
    assert state(DISPATCHED, contents(dispatches=listed), 30 * SECOND) is AgentState.JOINING


@pytest.mark.parametrize("status", [JobStatus.SUCCESS, JobStatus.FAILED])
def test_a_job_that_ended_brings_no_agent(status: JobStatus) -> None:
    listed = [ours("AD_1", job(status=status))]
    assert state(DISPATCHED, contents(dispatches=listed)) is AgentState.NEVER_JOINED


def test_of_several_jobs_one_that_runs_is_enough() -> None:
    listed = [ours("AD_1", job("agent-0", JobStatus.FAILED), job("agent-1"))]
    assert state(DISPATCHED, contents(dispatches=listed), 30 * SECOND) is AgentState.JOINING


def test_a_job_whose_agent_is_reported_to_have_left_brings_none() -> None:
    listed = [ours("AD_1", job())]
    assert state(DISPATCHED, contents(dispatches=listed, left=["agent-1"])) is (
        AgentState.NEVER_JOINED
    )
    assert state(DISPATCHED, contents(dispatches=listed, left=["agent-2"])) is AgentState.JOINING


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (2 * TIMEOUTS.joined_within - MOMENT, AgentState.JOINING),
        (2 * TIMEOUTS.joined_within, AgentState.ABSENT),
    ],
)
def test_a_job_of_others_that_has_run_for_long_without_an_agent_brings_none(
    age: timedelta, expected: AgentState
) -> None:
    """LiveKit goes on listing a job as running after its agent has left."""
    old = attrs.evolve(job("agent-x"), started_at=NOON - age)
    assert state(CREATED, contents(dispatches=[theirs("AD_x", old)])) is expected


@pytest.mark.parametrize("session", [CREATED, FAILED, LEFT])
@pytest.mark.parametrize("listed", [ours("AD_2"), theirs("AD_2")])
def test_a_dispatch_that_the_ledger_does_not_know_is_expected_to_bring_an_agent(
    session: Session, listed: Dispatch
) -> None:
    found = presence_of(session, contents(dispatches=[listed]), NOON + 30 * SECOND, TIMEOUTS)
    assert found.state is AgentState.WAITING
    assert found.is_expected
    assert found.dispatch_id == "AD_2"
    assert found.adopted is (listed.session_id is None)
    assert not found.has_surplus


@pytest.mark.parametrize("name", ["", "another"])
def test_a_dispatch_of_another_agent_brings_none_of_ours(name: str) -> None:
    """The server lists an entry of its own with an empty name."""
    found = contents(dispatches=[Dispatch("AD_y", name, ID, (job(),))])
    assert state(CREATED, found) is AgentState.ABSENT


# It is missing


def test_given_it_was_seen_then_it_has_left_whatever_its_job_says() -> None:
    assert state(ACTIVE, contents(dispatches=[ours("AD_1", job())])) is AgentState.LEFT
    assert state(ACTIVE, contents(dispatches=[ours()])) is AgentState.LEFT
    assert state(ACTIVE, contents(dispatches=None)) is AgentState.LEFT


@pytest.mark.parametrize("session", [CREATED, FAILED, LEFT])
def test_given_none_is_expected_then_it_is_absent(session: Session) -> None:
    assert state(session, contents()) is AgentState.ABSENT


def test_given_its_dispatch_is_no_longer_listed_then_it_is_absent_at_once() -> None:
    assert state(DISPATCHED, contents()) is AgentState.ABSENT


def test_given_it_left_then_its_old_dispatch_is_not_expected_to_bring_it_back() -> None:
    assert state(LEFT, contents(dispatches=[ours("AD_1", job())])) is AgentState.ABSENT


@pytest.mark.parametrize(
    "expected",
    [AgentState.NOT_TAKEN, AgentState.NEVER_JOINED, AgentState.LEFT, AgentState.ABSENT],
)
def test_what_is_missing_is_not_expected(expected: AgentState) -> None:
    listed = {
        AgentState.NOT_TAKEN: (DISPATCHED, ours()),
        AgentState.NEVER_JOINED: (DISPATCHED, ours("AD_1", job())),
        AgentState.LEFT: (ACTIVE, ours()),
        AgentState.ABSENT: (FAILED, Dispatch("AD_y", "another", None)),
    }
    session, dispatch = listed[expected]
    found = presence_of(
        session, contents(USER, dispatches=[dispatch]), NOON + 99 * SECOND, TIMEOUTS
    )
    assert found.state is expected
    assert (found.is_missing, found.is_expected, found.agent) == (True, False, None)
