"""``python -m tests.benchmarks.stub_livekit PORT [ROOMS]``: a LiveKit that answers at once.

It reads no more of a request than it needs: its cost must not be taken for its caller's. Each
CreateDispatch gets a dispatch with an id of its own. Every other request gets an empty message: no
rooms, participants or dispatches. With ROOMS it lists that many rooms and those of the dispatches,
each with a user and an agent, and encodes each room once.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Final

from livekit.protocol.agent import Job, JobState, JobStatus
from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    AgentDispatchState,
    CreateAgentDispatchRequest,
    ListAgentDispatchRequest,
    ListAgentDispatchResponse,
)
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.room import (
    ListParticipantsResponse,
    ListRoomsRequest,
    ListRoomsResponse,
)

CREATE: Final = b"POST /twirp/livekit.AgentDispatchService/CreateDispatch "
_ROOMS: Final = b"POST /twirp/livekit.RoomService/ListRooms "
_PARTICIPANTS: Final = b"POST /twirp/livekit.RoomService/ListParticipants "
_DISPATCHES: Final = b"POST /twirp/livekit.AgentDispatchService/ListDispatch "
_AGENT: Final = "agent-1"
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: %d\r\n\r\n"
)
_EMPTY: Final = _HEAD % 0
_numbers = itertools.count(1)


def room_name(number: int) -> str:
    """Return the name of one of the rooms that exist from the start."""
    return f"room-{number}"


def room_sid(name: str) -> str:
    """Return the sid of a room."""
    return f"RM_{name}"


class Rooms:
    """The rooms that are listed, each as an entry of a ListRoomsResponse."""

    def __init__(self, number: int) -> None:
        self._entries: dict[str, bytes] = {}
        self._dispatches: dict[str, tuple[str, str]] = {}
        for each in range(number):
            self.open(room_name(each), f"AD_{each}", "shreya-obnox")
        active = ParticipantInfo.State.ACTIVE
        user = ParticipantInfo(sid="PA_user", identity="user", state=active)
        agent = ParticipantInfo(
            sid="PA_agent", identity=_AGENT, state=active, kind=ParticipantInfo.Kind.AGENT
        )
        self.participants = ListParticipantsResponse(participants=[user, agent]).SerializeToString()

    def open(self, name: str, dispatch_id: str, agent_name: str) -> None:
        """Add a room whose agent came by a dispatch."""
        self._dispatches[name] = dispatch_id, agent_name
        room = Room(name=name, sid=room_sid(name), num_participants=2)
        self._entries[name] = ListRoomsResponse(rooms=[room]).SerializeToString()

    def listed(self, body: bytes) -> bytes:
        """Answer ListRooms: the rooms that it names, else every room."""
        if not body:
            return b"".join(self._entries.values())
        names = ListRoomsRequest.FromString(body).names
        return b"".join(self._entries.get(name, b"") for name in names)

    def dispatches(self, body: bytes) -> bytes:
        """Answer ListDispatch: the room's dispatch, whose job runs."""
        room = ListAgentDispatchRequest.FromString(body).room
        if room not in self._dispatches:
            return b""
        dispatch_id, agent_name = self._dispatches[room]
        state = JobState(status=JobStatus.JS_RUNNING, participant_identity=_AGENT)
        job = Job(id=f"AJ_{dispatch_id}", dispatch_id=dispatch_id, state=state)
        dispatch = AgentDispatch(
            id=dispatch_id, agent_name=agent_name, room=room, state=AgentDispatchState(jobs=[job])
        )
        return ListAgentDispatchResponse(agent_dispatches=[dispatch]).SerializeToString()


class Connection(asyncio.Protocol):
    """One keep-alive connection (RFC 9112)."""

    def __init__(self, rooms: Rooms | None) -> None:
        self._received = b""
        self._rooms = rooms

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._received) < end + 4 + length:
                return
            body = self._received[end + 4 : end + 4 + length]
            self._transport.write(_answer(self._received, body, self._rooms))
            self._received = self._received[end + 4 + length :]


def _answer(request: bytes, body: bytes, rooms: Rooms | None) -> bytes:
    if request.startswith(CREATE):
        dispatch_id = f"AD_new_{next(_numbers)}"
        if rooms is not None:
            asked = CreateAgentDispatchRequest.FromString(body)
            rooms.open(asked.room, dispatch_id, asked.agent_name)
        answer = AgentDispatch(id=dispatch_id).SerializeToString()
    elif rooms is not None and request.startswith(_ROOMS):
        answer = rooms.listed(body)
    elif rooms is not None and request.startswith(_PARTICIPANTS):
        answer = rooms.participants
    elif rooms is not None and request.startswith(_DISPATCHES):
        answer = rooms.dispatches(body)
    else:
        return _EMPTY
    return _HEAD % len(answer) + answer


async def serve(port: int, number_of_rooms: int = 0) -> None:
    """Answer until the process is ended."""
    rooms = Rooms(number_of_rooms) if number_of_rooms else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(rooms), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
