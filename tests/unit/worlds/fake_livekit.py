"""A LiveKit that keeps rooms, participants and dispatches in memory and fails when told to."""

from __future__ import annotations

import asyncio
import enum
import json
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import attrs

from domain.rooms.room import Dispatch, Job, JobStatus, Participant, ParticipantKind, Room
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import (
    LiveKitError,
    LiveKitRefused,
    LiveKitUncertain,
    LiveKitUnreachable,
)
from tests.unit.worlds.steps import Steps

Result = TypeVar("Result")


class Fault(enum.Enum):
    """How one call fails, and whether LiveKit has done what it was asked by then."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNCERTAIN_BEFORE = "uncertain, before applying"
    UNCERTAIN_AFTER = "uncertain, after applying"
    TIMED_OUT_BEFORE = "timed out, before applying"
    TIMED_OUT_AFTER = "timed out, after applying"
    TIMED_OUT_LATE = "timed out, applied only when `catch_up` is called"

    @property
    def applied(self) -> bool:
        return self in (Fault.UNCERTAIN_AFTER, Fault.TIMED_OUT_AFTER)

    def error(self) -> LiveKitError:
        if self is Fault.REFUSED:
            return LiveKitRefused("LiveKit refused.")
        if self is Fault.UNREACHABLE:
            return LiveKitUnreachable("LiveKit cannot be reached.")
        return LiveKitUncertain("LiveKit did not tell.", timed_out="TIMED_OUT" in self.name)


@attrs.define
class ListedDispatch:
    """A dispatch that a room lists. A job is listed as running after its agent has left.

    ``agent`` has joined; ``accepted`` tells that a worker runs the job of one that has not.
    """

    id: str
    agent_name: str
    metadata: str = attrs.field(repr=False)
    agent: str | None = None
    accepted: bool = False
    job_status: JobStatus = JobStatus.RUNNING

    def __str__(self) -> str:
        return self.id


@attrs.define
class LiveRoom:
    """One instance of a room."""

    sid: str
    people: dict[str, Participant] = attrs.field(factory=dict)
    dispatches: dict[str, ListedDispatch] = attrs.field(factory=dict)

    def told(self, name: str) -> Room:
        """As LiveKit lists it."""
        return Room(name, self.sid, sum(who.is_person for who in self.people.values()))


@attrs.define
class Pause:
    """Holds the next call of an operation; ``reached`` tells that it has come there."""

    after_applying: bool
    reached: asyncio.Event = attrs.field(factory=asyncio.Event)
    resumed: asyncio.Event = attrs.field(factory=asyncio.Event)


class FakeLiveKit:
    """What is there, how calls fail, and what happens outside the service."""

    def __init__(self, steps: Steps | None = None) -> None:
        self.open: dict[str, LiveRoom] = {}
        self.calls: list[str] = []
        self.down: Fault | None = None
        self.agents_say_their_name = True
        self.lies: set[str] = set()
        """Operations that answer as if there were nothing."""
        self._steps = steps or Steps()
        self._faults: defaultdict[str, deque[Fault | None]] = defaultdict(deque)
        self._pauses: dict[str, Pause] = {}
        self._late: list[Callable[[], object]] = []
        self._count = 0

    # What tests script

    def fail(self, operation: str, *faults: Fault | None) -> None:
        """The next calls of ``operation`` fail in this order; None succeeds."""
        self._faults[operation].extend(faults)

    def recover(self) -> None:
        """No more faults."""
        self._faults.clear()
        self.down = None

    def pause(self, operation: str, *, after_applying: bool = False) -> Pause:
        """Hold the next call of ``operation``."""
        self._pauses[operation] = Pause(after_applying)
        return self._pauses[operation]

    def catch_up(self) -> None:
        """Do what callers have given up waiting for."""
        for apply in self._late:
            apply()
        self._late.clear()

    # What happens in the world

    def opens(self, room_name: str) -> LiveRoom:
        """Somebody joins a room, which makes it if there is none."""
        if room_name not in self.open:
            self.open[room_name] = LiveRoom(sid=self.new_id("RM"))
        return self.open[room_name]

    def closes(self, room_name: str) -> None:
        """The room ends by itself."""
        self.open.pop(room_name, None)

    def agents_join(self, room_name: str) -> None:
        """A worker takes every dispatch that none has taken yet."""
        room = self.open.get(room_name)
        for dispatch in room.dispatches.values() if room else ():
            if room is not None and dispatch.agent is None:
                dispatch.agent = f"agent-{dispatch.id}"
                says = dispatch.agent_name if self.agents_say_their_name else None
                room.people[dispatch.agent] = Participant(
                    dispatch.agent, ParticipantKind.AGENT, says
                )

    def workers_accept(self, room_name: str) -> None:
        """Workers run a job for every dispatch; their agents have not joined yet."""
        for dispatch in self.listed(room_name):
            dispatch.accepted = True

    def dispatches_of_others(self, room_name: str, agent_name: str) -> ListedDispatch:
        """Another program, or a rule, dispatches an agent of this name."""
        dispatch = ListedDispatch(self.new_id("AD"), agent_name, "{}")
        self.opens(room_name).dispatches[dispatch.id] = dispatch
        return dispatch

    def agents_leave(self, room_name: str) -> None:
        """Every agent leaves; their dispatches stay listed."""
        room = self.open.get(room_name)
        for person in list(room.people.values()) if room else ():
            if room is not None and person.kind is ParticipantKind.AGENT:
                del room.people[person.identity]

    def listed(self, room_name: str) -> list[ListedDispatch]:
        """The dispatches in the room."""
        room = self.open.get(room_name)
        return list(room.dispatches.values()) if room else []

    def expected(self, room_name: str) -> list[ListedDispatch]:
        """The dispatches in the room whose agent is there or may still come."""
        room = self.open.get(room_name)
        return [
            d
            for d in self.listed(room_name)
            if d.agent is None or (room and d.agent in room.people)
        ]

    def count(self, operation: str) -> int:
        """How many calls of ``operation`` there were."""
        return self.calls.count(operation)

    async def call(self, operation: str, apply: Callable[[], Result]) -> Result:
        """Apply a request, or fail as scripted; stops before and after applying it."""
        self.calls.append(operation)
        faults = self._faults[operation]
        fault = self.down or (faults.popleft() if faults else None)
        pause = self._pauses.pop(operation, None)
        await self._steps()
        if pause and not pause.after_applying:
            await self._held(pause)
        if fault is Fault.TIMED_OUT_LATE:
            self._late.append(apply)
        if fault is not None and not fault.applied:
            raise fault.error()
        result = apply()
        await self._steps()
        if operation in self.lies:
            result = type(result)() if isinstance(result, list) else cast("Result", None)
        if pause and pause.after_applying:
            await self._held(pause)
        if fault is not None:
            raise fault.error()
        return result

    @staticmethod
    async def _held(pause: Pause) -> None:
        pause.reached.set()
        await pause.resumed.wait()

    @staticmethod
    def told(dispatch: ListedDispatch) -> Dispatch:
        session_id = json.loads(dispatch.metadata).get("session_id")
        jobs = []
        if dispatch.agent or dispatch.accepted:
            identity = dispatch.agent or f"agent-{dispatch.id}"
            job_id = f"AJ_{dispatch.id}"
            jobs = [Job(id=job_id, status=dispatch.job_status, agent_identity=identity)]
        return Dispatch(dispatch.id, dispatch.agent_name, session_id, tuple(jobs))

    def new_id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count}"


@attrs.frozen
class FakeDispatcher:
    """Operations ``create``, ``list`` and ``delete_dispatch``."""

    livekit: FakeLiveKit

    async def create(self, room_name: RoomName, agent_name: str, metadata: str) -> str:
        def apply() -> str:
            dispatch = ListedDispatch(self.livekit.new_id("AD"), agent_name, metadata)
            self.livekit.opens(str(room_name)).dispatches[dispatch.id] = dispatch
            return dispatch.id

        return await self.livekit.call("create", apply)

    async def list(self, room_name: RoomName) -> list[Dispatch]:
        def apply() -> Sequence[Dispatch]:
            return [self.livekit.told(d) for d in self.livekit.listed(str(room_name))]

        return [*await self.livekit.call("list", apply)]

    async def delete(self, room_name: RoomName, dispatch_id: str) -> None:
        def apply() -> None:
            room = self.livekit.open.get(str(room_name))
            dispatch = room.dispatches.pop(dispatch_id, None) if room else None
            if room and dispatch and dispatch.agent:
                room.people.pop(dispatch.agent, None)

        await self.livekit.call("delete_dispatch", apply)


@attrs.frozen
class FakeRooms:
    """Operations ``find``, ``participants``, ``remove_participant`` and ``delete_room``."""

    livekit: FakeLiveKit

    async def find(self, room_name: RoomName) -> Room | None:
        def apply() -> Room | None:
            room = self.livekit.open.get(str(room_name))
            return room.told(str(room_name)) if room else None

        return await self.livekit.call("find", apply)

    async def all(self) -> list[Room]:
        def apply() -> list[Room]:
            return [room.told(name) for name, room in self.livekit.open.items()]

        return await self.livekit.call("list_rooms", apply)

    async def participants(self, room: Room) -> list[Participant]:
        room_name = room.name

        def apply() -> list[Participant]:
            room = self.livekit.open.get(room_name)
            return [*room.people.values()] if room else []

        return await self.livekit.call("participants", apply)

    async def remove_participant(self, room_name: RoomName, identity: str) -> None:
        def apply() -> None:
            room = self.livekit.open.get(str(room_name))
            if room is not None:
                room.people.pop(identity, None)

        await self.livekit.call("remove_participant", apply)

    async def delete(self, room_name: RoomName) -> bool:
        def apply() -> bool:
            return self.livekit.open.pop(str(room_name), None) is not None

        return await self.livekit.call("delete_room", apply)
