"""Find out where a session's agent is from what LiveKit lists for the room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from domain.rooms.room import Dispatch, Job, JobStatus, Participant
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.agent_timeouts import AgentTimeouts
from domain.sessions.room_contents import RoomContents
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.sessions.session_status import SessionStatus


def presence_of(
    session: Session, contents: RoomContents, now: datetime, timeouts: AgentTimeouts
) -> AgentPresence:
    """Return where ``session``'s agent is, given what its room instance contains."""
    return _Judgement(session, contents, now, timeouts).presence()


@attrs.frozen
class _Judgement:
    """Reads the presence off the contents, step by step."""

    session: Session
    contents: RoomContents
    now: datetime
    timeouts: AgentTimeouts

    def presence(self) -> AgentPresence:
        agents = sorted(self.contents.agents(self.session.agent_name), key=self._agent_rank)
        if agents:
            return self._in_room(agents[0], agents[1:])
        live = sorted(filter(self._may_bring_an_agent, self._dispatches), key=self._dispatch_rank)
        if live:
            first = live[0]
            return self._found(
                AgentState.JOINING if first.jobs else AgentState.WAITING,
                dispatch_id=first.id,
                adopted=not self.session.owns(first),
                surplus_dispatches=tuple(
                    dispatch.id for dispatch in self._dispatches if dispatch is not first
                ),
            )
        return self._found(self._why_missing())

    def _in_room(self, kept: Participant, others: Sequence[Participant]) -> AgentPresence:
        dispatch = self._dispatch_of(kept)
        unrecorded = next(filter(self._is_unrecorded, self._dispatches), None)
        known = dispatch or unrecorded
        if known is None:  # its job is listed late
            adopted = self.session.dispatch_id is None
        else:
            adopted = not self.session.owns(known)
        surplus = [
            other.id
            for other in self._dispatches
            # A job is listed late: a dispatch without jobs may be the kept agent's own.
            if kept.identity not in other.agents
            and (other.agents or dispatch is not None)
            and not self._brings_its_own(other)
        ]
        unexplained = [agent for agent in (kept, *others) if self._dispatch_of(agent) is None]
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
            surplus_agents=() if undecided else tuple(agent.identity for agent in others),
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
            dispatch
            for dispatch in self.contents.dispatches or ()
            if dispatch.agent_name == self.session.agent_name
        ]

    @property
    def _own(self) -> list[Dispatch]:
        """The session's own dispatch, if LiveKit lists it."""
        return [
            dispatch for dispatch in self._dispatches if dispatch.id == self.session.dispatch_id
        ]

    @property
    def _awaits_listing(self) -> bool:
        """Whether the session's dispatch is so young that LiveKit may not list its job yet."""
        young = self._age < self.timeouts.taken_within
        return young and any(not dispatch.jobs for dispatch in self._own)

    def _dispatch_of(self, agent: Participant) -> Dispatch | None:
        return next(
            (dispatch for dispatch in self._dispatches if agent.identity in dispatch.agents), None
        )

    def _is_unrecorded(self, dispatch: Dispatch) -> bool:
        return self.session.owns(dispatch) and dispatch.id != self.session.dispatch_id

    def _agent_rank(self, agent: Participant) -> tuple[bool, bool, bool, float, str]:
        """Sort the agent that the ledger names first, else the agent that joined first.

        The dispatch decides before the identity: the agent that a webhook reported first may be an
        ended session's, which has that session's metadata.
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

    def _dispatch_rank(self, dispatch: Dispatch) -> tuple[bool, bool]:
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
        """Whether the session's own agent may still join, beside a foreign one."""
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
        own = self._own
        if not own:
            return AgentState.ABSENT
        return AgentState.NEVER_JOINED if own[0].jobs else AgentState.NOT_TAKEN
