"""The simulated rooms and their participants."""

from __future__ import annotations

import asyncio
import secrets
import string
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import attrs
from livekit.protocol.agent_dispatch import AgentDispatch, RoomAgentDispatch
from livekit.protocol.models import DisconnectReason, ParticipantInfo, Room
from livekit.protocol.room import CreateRoomRequest
from livekit.protocol.webhook import WebhookEvent

AGENT_NAME: Final = "lk.agent.name"
_ALPHABET: Final = string.ascii_letters + string.digits
_CLOSING: Final = "closing"
# Kinds of participants that do not keep a room open.
_DEPENDENT: Final = (ParticipantInfo.Kind.AGENT, ParticipantInfo.Kind.EGRESS)


def new_id(prefix: str) -> str:
    """An id as LiveKit makes them, for example ``RM_ss7NRpFQFaNe``."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(12))


@attrs.define
class LiveRoom:
    """A room instance. ``timers`` end with it."""

    info: Room
    participants: dict[str, ParticipantInfo] = attrs.field(factory=dict)
    dispatches: dict[str, AgentDispatch] = attrs.field(factory=dict)
    timers: dict[str, asyncio.TimerHandle] = attrs.field(factory=dict)

    @property
    def is_empty(self) -> bool:
        """Return whether no participant keeps it open."""
        return all(info.kind in _DEPENDENT for info in self.participants.values())

    @property
    def most_agents(self) -> int:
        """How many agents of the same name are in it, of the name that has the most."""
        names = Counter(
            info.attributes.get(AGENT_NAME, "")
            for info in self.participants.values()
            if info.kind == ParticipantInfo.Kind.AGENT
        )
        return max(names.values(), default=0)

    def cancel(self, timer: str) -> None:
        """Stop a timer, if it runs."""
        handle = self.timers.pop(timer, None)
        if handle is not None:
            handle.cancel()


@attrs.define
class AgentRecord:
    """What a room instance has had of agents; kept after its end.

    ``most_at_once`` counts agents of the same name, ``dispatches`` what CreateDispatch made.
    ``together`` are the times at which there was more than one, by the monotonic clock.
    """

    room: str
    most_at_once: int = 0
    dispatches: int = 0
    together: list[tuple[float, float | None]] = attrs.field(factory=list)

    def note(self, agents: int) -> None:
        """Note how many agents of the same name are in the room now."""
        self.most_at_once = max(self.most_at_once, agents)
        now = time.monotonic()
        begun = bool(self.together) and self.together[-1][1] is None
        if agents > 1 and not begun:
            self.together.append((now, None))
        elif agents <= 1 and begun:
            self.together[-1] = self.together[-1][0], now


class World:
    """Rooms by name. Needs a running event loop, for the rooms' time-outs.

    ``notify`` receives the events that a LiveKit server sends to webhooks. ``launch_agents`` is
    called with each new room and the agents it was created for. ``agent_records`` are by the
    rooms' sid.
    """

    def __init__(self, notify: Callable[[WebhookEvent], None]) -> None:
        self.rooms: dict[str, LiveRoom] = {}
        self.agent_records: dict[str, AgentRecord] = {}
        self.launch_agents: Callable[[LiveRoom, list[RoomAgentDispatch]], None] = lambda *_: None
        self.closed: list[Callable[[str], None]] = []
        self._notify = notify

    def create_room(self, request: CreateRoomRequest) -> LiveRoom:
        """The room of that name, made if there is none; what the request sets is set."""
        room = self.rooms.get(request.name)
        is_new = room is None
        if room is None:
            now = time.time()
            info = Room(
                sid=new_id("RM_"),
                name=request.name,
                empty_timeout=300,
                departure_timeout=20,
                creation_time=int(now),
                creation_time_ms=int(now * 1000),
            )
            room = self.rooms[request.name] = LiveRoom(info)
            self.agent_records[info.sid] = AgentRecord(request.name)
        room.info.empty_timeout = request.empty_timeout or room.info.empty_timeout
        room.info.departure_timeout = request.departure_timeout or room.info.departure_timeout
        room.info.max_participants = request.max_participants or room.info.max_participants
        room.info.metadata = request.metadata or room.info.metadata
        if is_new:
            self._notify_of("room_started", room)
            self._close_later(room, room.info.empty_timeout)
            # A room for which no agent was named is offered to workers without a name.
            self.launch_agents(room, list(request.agents) or [RoomAgentDispatch()])
        return room

    def close_room(self, name: str, reason: DisconnectReason) -> bool:
        """Delete a room and its participants. False if there was no such room."""
        room = self.rooms.get(name)
        if room is None:
            return False
        for identity in list(room.participants):
            self.leave(name, identity, reason)
        for timer in list(room.timers):
            room.cancel(timer)
        del self.rooms[name]
        self._notify_of("room_finished", room)
        for closed in self.closed:
            closed(name)
        return True

    def join(
        self,
        room_name: str,
        identity: str,
        *,
        kind: ParticipantInfo.Kind = ParticipantInfo.Kind.STANDARD,
        attributes: Mapping[str, str] | None = None,
    ) -> ParticipantInfo:
        """Let a participant join; makes the room, and removes an earlier one of that identity."""
        now = time.time()
        info = ParticipantInfo(
            sid=new_id("PA_"),
            identity=identity,
            kind=kind,
            state=ParticipantInfo.State.ACTIVE,
            attributes=attributes or {},
            joined_at=int(now),
            joined_at_ms=int(now * 1000),
        )
        room = self.create_room(CreateRoomRequest(name=room_name))
        self.leave(room_name, identity, DisconnectReason.DUPLICATE_IDENTITY)
        room.participants[identity] = info
        self.agent_records[room.info.sid].note(room.most_agents)
        if not room.is_empty:
            room.cancel(_CLOSING)
        self._notify_of("participant_joined", room, info)
        return info

    def leave(
        self,
        room_name: str,
        identity: str,
        reason: DisconnectReason = DisconnectReason.CLIENT_INITIATED,
    ) -> bool:
        """Let a participant leave. False if there is no such participant."""
        room = self.rooms.get(room_name)
        info = room.participants.pop(identity, None) if room else None
        if room is None or info is None:
            return False
        self.agent_records[room.info.sid].note(room.most_agents)
        info.state = ParticipantInfo.State.DISCONNECTED
        info.disconnect_reason = reason
        self._notify_of("participant_left", room, info)
        if room.is_empty:
            self._close_later(room, room.info.departure_timeout)
        return True

    def participant(self, room_name: str, identity: str) -> ParticipantInfo | None:
        """Return the participant with this identity in the room."""
        room = self.rooms.get(room_name)
        return room.participants.get(identity) if room else None

    def set_attributes(
        self, room_name: str, identity: str, attributes: Mapping[str, str]
    ) -> ParticipantInfo | None:
        """Set a participant's attributes, delete those set to ''; sends no webhook."""
        info = self.participant(room_name, identity)
        if info is not None:
            for key, value in attributes.items():
                info.attributes[key] = value
                if not value:
                    del info.attributes[key]
        return info

    def clear(self) -> None:
        """Forget every room without an event, as a server does that is stopped."""
        for room in self.rooms.values():
            for timer in list(room.timers):
                room.cancel(timer)
            self.agent_records[room.info.sid].note(0)
        self.rooms.clear()

    def _close_later(self, room: LiveRoom, seconds: int) -> None:
        room.cancel(_CLOSING)
        room.timers[_CLOSING] = asyncio.get_running_loop().call_later(
            seconds, self.close_room, room.info.name, DisconnectReason.ROOM_CLOSED
        )

    def _notify_of(
        self, event: str, room: LiveRoom, participant: ParticipantInfo | None = None
    ) -> None:
        room.info.num_participants = sum(
            info.kind not in _DEPENDENT for info in room.participants.values()
        )
        self._notify(
            WebhookEvent(
                id=new_id("EV_"),
                event=event,
                created_at=int(time.time()),
                room=room.info,
                participant=participant,
            )
        )
