"""The simulated dispatches, and the workers that take them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial

from livekit.protocol.agent import Job, JobState, JobStatus, JobType
from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    AgentDispatchState,
    CreateAgentDispatchRequest,
    RoomAgentDispatch,
)
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.room import CreateRoomRequest

from entrypoints.simulator.chaos import Chaos
from entrypoints.simulator.world import AGENT_NAME, LiveRoom, World, new_id


class Dispatches:
    """Agent dispatches.

    ``workers`` maps the agent names that workers have registered to the milliseconds after which
    their agents join, and leave when the dispatch is deleted. As on livekit-server 1.13.5 a
    dispatch that finds no worker never gets a job, and a job goes on being listed as
    running after its agent has left.

    ``chaos`` makes agents slow, late or deaf, and jobs listed late; see
    :class:`~entrypoints.simulator.chaos.Chaos`.
    """

    def __init__(
        self, world: World, workers: Mapping[str, int], chaos: Callable[[], Chaos] = Chaos
    ) -> None:
        self._world = world
        self._workers = workers
        self._chaos = chaos
        world.launch_agents = self._launch

    def create(self, request: CreateAgentDispatchRequest) -> AgentDispatch:
        """Dispatch an agent; makes the room."""
        room = self._world.create_room(CreateRoomRequest(name=request.room))
        self._world.agent_records[room.info.sid].dispatches += 1
        return self._add(room, request.agent_name, request.metadata)

    def delete(self, room: LiveRoom, dispatch_id: str) -> AgentDispatch | None:
        """Delete a dispatch, end its jobs and remove their agents. None if there is none."""
        dispatch = room.dispatches.pop(dispatch_id, None)
        if dispatch is not None:
            room.cancel(dispatch.id)
            for job in dispatch.state.jobs:
                leave = partial(self._world.leave, room.info.name, job.state.participant_identity)
                room.cancel(_joining(job))
                self._after_reaction(dispatch.agent_name, room, job.id, leave)
        return dispatch

    def _launch(self, room: LiveRoom, agents: list[RoomAgentDispatch]) -> None:
        for agent in agents:
            self._add(room, agent.agent_name, agent.metadata)

    def _add(self, room: LiveRoom, agent_name: str, metadata: str) -> AgentDispatch:
        dispatch = AgentDispatch(
            id=new_id("AD_"),
            agent_name=agent_name,
            room=room.info.name,
            metadata=metadata,
            state=AgentDispatchState(created_at=time.time_ns()),
        )
        # LiveKit answers before a worker has taken it.
        answer = AgentDispatch()
        answer.CopyFrom(dispatch)
        room.dispatches[dispatch.id] = dispatch
        if agent_name in self._workers:
            take = partial(self._take, room, dispatch)
            self._after_reaction(agent_name, room, dispatch.id, take)
        return answer

    def _after_reaction(
        self, agent_name: str, room: LiveRoom, timer: str, act: Callable[[], object]
    ) -> None:
        delay = self._workers.get(agent_name, 0) / 1000
        room.timers[timer] = asyncio.get_running_loop().call_later(delay, act)

    def _take(self, room: LiveRoom, dispatch: AgentDispatch) -> None:
        job_id = new_id("AJ_")
        job = Job(
            id=job_id,
            dispatch_id=dispatch.id,
            type=JobType.JT_ROOM,
            room=room.info,
            metadata=dispatch.metadata,
            agent_name=dispatch.agent_name,
            state=JobState(
                status=JobStatus.JS_RUNNING,
                started_at=time.time_ns(),
                participant_identity=f"agent-{job_id}",
            ),
        )
        chaos = self._chaos()
        _later(chaos.list_lag(), lambda: dispatch.state.jobs.append(job))
        timer = _later(chaos.slowness(), lambda: self._join(job))
        if timer is not None and not chaos.is_deaf():
            room.timers[_joining(job)] = timer

    def _join(self, job: Job) -> None:
        name = job.agent_name
        self._world.join(
            job.room.name,
            job.state.participant_identity,
            kind=ParticipantInfo.Kind.AGENT,
            attributes={AGENT_NAME: name, "lk.agent_name": name},
        )


def _joining(job: Job) -> str:
    """The name of the timer after which a job's agent joins."""
    return f"{job.id}:join"


def _later(seconds: float, act: Callable[[], object]) -> asyncio.TimerHandle | None:
    """Act after so many seconds; at once, and without a timer, if there are none."""
    if seconds <= 0:
        act()
        return None
    return asyncio.get_running_loop().call_later(seconds, act)
