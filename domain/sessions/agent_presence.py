"""Where a session's agent is, read off what LiveKit lists for the room."""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from domain.rooms.room import Dispatch, Job, JobStatus, Participant, ParticipantKind, Room
from domain.sessions.session import SeenAgent, Session, SessionStatus

TAKEN_WITHIN: Final = timedelta(seconds=8)
"""LiveKit lists a job up to 5 s after a worker took it (livekit-server 1.13.5)."""

JOINED_WITHIN: Final = timedelta(seconds=60)
"""Cold starts of 15 to 50 s are common."""


@attrs.frozen(kw_only=True)
class AgentTimeouts:
    """How long after a dispatch a worker may take to accept it, and its agent to join."""

    taken_within: timedelta = TAKEN_WITHIN
    joined_within: timedelta = JOINED_WITHIN


class AgentState(enum.Enum):
    """Where the agent is."""

    IN_ROOM = enum.auto()
    JOINING = enum.auto()
    """A worker runs its job, and it has not joined yet."""
    WAITING = enum.auto()
    """It was dispatched a moment ago, and no worker is known to have taken the job."""
    NOT_TAKEN = enum.auto()
    """No worker took the job; LiveKit does not offer it to workers that register later."""
    NEVER_JOINED = enum.auto()
    LEFT = enum.auto()
    ABSENT = enum.auto()
    """None was dispatched, or its dispatch is no longer listed."""
    ROOM_CLOSED = enum.auto()
    """The session's room instance is no more, and so is its agent."""


MISSING: Final = frozenset(
    {AgentState.NOT_TAKEN, AgentState.NEVER_JOINED, AgentState.LEFT, AgentState.ABSENT}
)
EXPECTED: Final = frozenset({AgentState.JOINING, AgentState.WAITING})


@attrs.frozen(kw_only=True)
class RoomContents:
    """What LiveKit lists for a live room instance.

    ``dispatches`` is None where it was not asked. ``left`` are identities that a webhook reported
    to have left, which LiveKit may go on listing jobs for.
    """

    room: Room
    participants: Sequence[Participant]
    dispatches: Sequence[Dispatch] | None = None
    left: Collection[str] = ()

    @property
    def has_people(self) -> bool:
        """Whether an agent would have somebody to talk to."""
        return any(one.is_person for one in self.participants)

    def agents(self, agent_name: str) -> list[Participant]:
        """Return the agents of this name, by what they say or by the jobs of its dispatches.

        Workers older than livekit-agents 1.3 do not say what they registered as.
        """
        dispatched = {
            identity
            for dispatch in self.dispatches or ()
            if dispatch.agent_name == agent_name
            for identity in dispatch.agents
        }
        return [
            one
            for one in self.participants
            if one.kind is ParticipantKind.AGENT
            and (one.agent_name == agent_name or one.identity in dispatched)
        ]

    def has_foreign_agent(self, agent_name: str) -> bool:
        """Whether another agent is in the room, or was dispatched into it."""
        ours = {one.identity for one in self.agents(agent_name)}
        return any(
            one.kind is ParticipantKind.AGENT and one.identity not in ours
            for one in self.participants
        ) or any(one.agent_name not in ("", agent_name) for one in self.dispatches or ())


@attrs.frozen(kw_only=True)
class AgentPresence:
    """Where the agent is, and what stands beside it.

    ``room`` is the live instance of the session's room, if there is one. ``agent`` is the agent to
    keep. ``dispatch_id`` is its dispatch, or the one that is expected to bring it; ``adopted``, if
    the session did not make that. Whatever is surplus would make it two agents.
    """

    state: AgentState
    room: Room | None = None
    has_people: bool = False
    agent: SeenAgent | None = None
    dispatch_id: str | None = None
    adopted: bool = False
    surplus_agents: tuple[str, ...] = ()
    surplus_dispatches: tuple[str, ...] = ()
    is_undecided: bool = False
    """Whether there are two agents, and LiveKit does not list yet which one is the session's."""

    @property
    def is_missing(self) -> bool:
        """Whether the room is there and no agent is, or is on its way."""
        return self.state in MISSING

    @property
    def is_expected(self) -> bool:
        """Whether the agent is on its way."""
        return self.state in EXPECTED

    @property
    def has_surplus(self) -> bool:
        """Whether there are, or may come, two agents."""
        return bool(self.surplus_agents or self.surplus_dispatches)


def presence_of(
    session: Session, contents: RoomContents, now: datetime, timeouts: AgentTimeouts
) -> AgentPresence:
    """Return where ``session``'s agent is, given what its room instance contains."""
    return _Judgement(session, contents, now, timeouts).presence()


@attrs.frozen
class _Judgement:
    session: Session
    contents: RoomContents
    now: datetime
    timeouts: AgentTimeouts

    def presence(self) -> AgentPresence:
        agents = sorted(self.contents.agents(self.session.agent_name), key=self._agents_rank)
        if agents:
            return self._in_room(agents[0], agents[1:])
        live = sorted(filter(self._may_bring_an_agent, self._dispatches), key=self._dispatchs_rank)
        if live:
            first = live[0]
            return self._found(
                AgentState.JOINING if first.jobs else AgentState.WAITING,
                dispatch_id=first.id,
                adopted=not self.session.owns(first),
                surplus_dispatches=tuple(one.id for one in self._dispatches if one is not first),
            )
        return self._found(self._why_missing())

    def _in_room(self, kept: Participant, others: Sequence[Participant]) -> AgentPresence:
        dispatch = self._dispatch_of(kept)
        unrecorded = next((one for one in self._dispatches if self._is_unrecorded(one)), None)
        known = dispatch or unrecorded
        if known is None:  # its job is listed late
            adopted = self.session.dispatch_id is None
        else:
            adopted = not self.session.owns(known)
        surplus = [
            one.id
            for one in self._dispatches
            # A job is listed late: one without jobs may be the kept agent's own.
            if kept.identity not in one.agents
            and (one.agents or dispatch is not None)
            and not self._brings_its_own(one)
        ]
        unexplained = [one for one in (kept, *others) if self._dispatch_of(one) is None]
        undecided = len(unexplained) > 1 and self._awaits_listing
        return self._found(
            AgentState.IN_ROOM,
            agent=SeenAgent(
                identity=kept.identity,
                dispatch_id=None if known is None else known.id,
                adopted=adopted,
            ),
            dispatch_id=None if known is None else known.id,
            adopted=adopted,
            surplus_agents=() if undecided else tuple(one.identity for one in others),
            surplus_dispatches=() if undecided else tuple(surplus),
            is_undecided=undecided,
        )

    def _found(self, state: AgentState, **more: Any) -> AgentPresence:
        found = AgentPresence(
            state=state, room=self.contents.room, has_people=self.contents.has_people
        )
        return attrs.evolve(found, **more)

    @property
    def _dispatches(self) -> list[Dispatch]:
        return [
            one
            for one in self.contents.dispatches or ()
            if one.agent_name == self.session.agent_name
        ]

    @property
    def _awaits_listing(self) -> bool:
        """Whether the session's dispatch is so young that LiveKit may not list its job yet."""
        young = self._age < self.timeouts.taken_within
        own = [one for one in self._dispatches if one.id == self.session.dispatch_id]
        return young and any(not one.jobs for one in own)

    def _dispatch_of(self, agent: Participant) -> Dispatch | None:
        return next((one for one in self._dispatches if agent.identity in one.agents), None)

    def _is_unrecorded(self, dispatch: Dispatch) -> bool:
        return self.session.owns(dispatch) and dispatch.id != self.session.dispatch_id

    def _agents_rank(self, agent: Participant) -> tuple[bool, bool, bool, float, str]:
        """The agent that the ledger names first, else the one that joined first.

        The dispatch decides before the identity: the agent that a webhook reported first may be an
        ended session's, which has that one's metadata.
        """
        dispatch = self._dispatch_of(agent)
        joined_at = agent.joined_at.timestamp() if agent.joined_at else float("inf")
        return (
            dispatch is None or dispatch.id != self.session.dispatch_id,
            agent.identity != self.session.agent_identity,
            dispatch is None or not self.session.owns(dispatch),
            joined_at,
            agent.identity,
        )

    def _dispatchs_rank(self, dispatch: Dispatch) -> tuple[bool, bool]:
        return dispatch.id != self.session.dispatch_id, not self.session.owns(dispatch)

    def _may_bring_an_agent(self, dispatch: Dispatch) -> bool:
        jobs = [job for job in dispatch.jobs if self._may_bring(job)]
        if dispatch.jobs and not jobs:
            return False
        if dispatch.id != self.session.dispatch_id:
            return True  # the ledger has just learnt of it
        if not self._is_awaited(jobs):
            return False  # its agent was there, or did not come in time
        limit = self.timeouts.joined_within if jobs else self.timeouts.taken_within
        return self._age < limit

    def _brings_its_own(self, dispatch: Dispatch) -> bool:
        """Whether the session's own agent may still join, beside one that is not its own."""
        return (
            dispatch.id == self.session.dispatch_id
            and any(map(self._may_bring, dispatch.jobs))
            and self._age < self.timeouts.joined_within
        )

    def _is_awaited(self, jobs: Sequence[Job]) -> bool:
        """Whether the agent of the session's dispatch was not seen yet, given its live ``jobs``."""
        if self.session.status is not SessionStatus.ACTIVE:
            return self.session.status is SessionStatus.AGENT_DISPATCHED
        # The agent that was seen may have been an ended session's.
        seen = self.session.agent_identity
        return seen is not None and any(job.agent_identity not in ("", seen) for job in jobs)

    def _may_bring(self, job: Job) -> bool:
        if job.status not in (JobStatus.PENDING, JobStatus.RUNNING):
            return False
        if job.agent_identity and job.agent_identity in self.contents.left:
            return False
        # LiveKit goes on listing a job as running after its agent has left.
        started = job.started_at
        return started is None or self.now - started < 2 * self.timeouts.joined_within

    @property
    def _age(self) -> timedelta:
        dispatched_at = self.session.dispatched_at
        return timedelta.max if dispatched_at is None else self.now - dispatched_at

    def _why_missing(self) -> AgentState:
        if self.session.status is SessionStatus.ACTIVE:
            return AgentState.LEFT
        if self.session.status is not SessionStatus.AGENT_DISPATCHED:
            return AgentState.ABSENT
        own = [one for one in self._dispatches if one.id == self.session.dispatch_id]
        if not own:
            return AgentState.ABSENT
        return AgentState.NEVER_JOINED if own[0].jobs else AgentState.NOT_TAKEN
