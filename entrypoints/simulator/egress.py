"""``livekit.Egress``: recordings of rooms. Nothing is recorded, and no file is written.

Error codes and messages as livekit-server 1.13.5 gives them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from google.protobuf.message import Message
from livekit.protocol.egress import (
    EgressInfo,
    EgressStatus,
    FileInfo,
    ListEgressRequest,
    ListEgressResponse,
    RoomCompositeEgressRequest,
    StopEgressRequest,
)
from livekit.protocol.webhook import WebhookEvent

from entrypoints.simulator.access import Grants
from entrypoints.simulator.twirp import TwirpError
from entrypoints.simulator.world import World, new_id

Answer = Callable[[Any, Grants], Awaitable[Message]]

SIZE: Final = 1000
"""Bytes of each file, as it is reported."""

_INTERNAL: Final = "twirp error unknown: "
_RUNNING: Final = (EgressStatus.EGRESS_STARTING, EgressStatus.EGRESS_ACTIVE)
_SECOND: Final = 1_000_000_000


class EgressService:
    """Egresses by id.

    Each is active at once, and complete once it is stopped or its room closes. ``connected``:
    whether the server has Redis; ``has_worker``: whether an egress service answers, for which a
    request waits ``patience`` seconds. Without one an egress stays as it was, as after a SIGKILL.
    """

    def __init__(
        self,
        world: World,
        notify: Callable[[WebhookEvent], None],
        *,
        connected: bool,
        patience: float,
    ) -> None:
        self.has_worker = True
        self._world = world
        self._notify = notify
        self._connected = connected
        self._patience = patience
        self._egresses: dict[str, EgressInfo] = {}
        world.closed.append(self._room_closed)

    def methods(self) -> Mapping[str, tuple[type[Message], Answer]]:
        """Each method's request, and the coroutine that answers it."""
        return {
            "StartRoomCompositeEgress": (RoomCompositeEgressRequest, self.start),
            "StopEgress": (StopEgressRequest, self.stop),
            "ListEgress": (ListEgressRequest, self.list),
        }

    async def start(self, request: RoomCompositeEgressRequest, grants: Grants) -> EgressInfo:
        """Begin an egress; needs the grant ``roomRecord``."""
        grants.require("roomRecord")
        room = self._world.rooms.get(request.room_name)
        if room is None:
            raise TwirpError("not_found", _INTERNAL + "requested room does not exist")
        if not (self._connected and self.has_worker):
            await asyncio.sleep(self._patience)
            raise TwirpError("unavailable", _INTERNAL + "no response from servers")
        info = EgressInfo(
            egress_id=new_id("EG_"),
            room_id=room.info.sid,
            room_name=request.room_name,
            status=EgressStatus.EGRESS_STARTING,
            started_at=time.time_ns(),
            room_composite=request,
        )
        self._egresses[info.egress_id] = info
        self._send("egress_started", info)
        started = _copy(info)
        asyncio.get_running_loop().call_soon(self._activate, info)
        return started

    async def stop(self, request: StopEgressRequest, grants: Grants) -> EgressInfo:
        """End an egress; needs the grant ``roomRecord``."""
        grants.require("roomRecord")
        self._check_connected()
        info = self._egresses.get(request.egress_id)
        if info is None:
            raise TwirpError("not_found", _INTERNAL + "egress does not exist")
        if info.status not in _RUNNING:
            status = EgressStatus.Name(info.status)
            message = f"egress with status {status} cannot be stopped"
            raise TwirpError("failed_precondition", _INTERNAL + message)
        if not self.has_worker:
            await asyncio.sleep(self._patience)
            raise TwirpError("deadline_exceeded", _INTERNAL + "request timed out")
        self._end(info)
        return _copy(info)

    async def list(self, request: ListEgressRequest, grants: Grants) -> ListEgressResponse:
        """Return the egresses of a room, or the one with this id; needs ``roomRecord``."""
        grants.require("roomRecord")
        self._check_connected()
        if request.egress_id and request.egress_id not in self._egresses:
            raise TwirpError("not_found", _INTERNAL + "egress does not exist")
        return ListEgressResponse(
            items=[
                info
                for info in self._egresses.values()
                if request.egress_id in ("", info.egress_id)
                and request.room_name in ("", info.room_name)
                and (not request.active or info.status in _RUNNING)
            ]
        )

    def _check_connected(self) -> None:
        if not self._connected:
            raise TwirpError("internal", _INTERNAL + "egress not connected (redis required)")

    def _activate(self, info: EgressInfo) -> None:
        if info.status == EgressStatus.EGRESS_STARTING:
            info.status = EgressStatus.EGRESS_ACTIVE
            self._send("egress_updated", info)

    def _end(self, info: EgressInfo) -> None:
        info.status = EgressStatus.EGRESS_ENDING
        self._send("egress_updated", info)
        asyncio.get_running_loop().call_soon(self._complete, info)

    def _complete(self, info: EgressInfo) -> None:
        info.status = EgressStatus.EGRESS_COMPLETE
        info.ended_at = time.time_ns()
        for output in info.room_composite.file_outputs:
            info.file_results.append(
                FileInfo(
                    filename=output.filepath,
                    started_at=info.started_at,
                    ended_at=info.ended_at,
                    duration=max(info.ended_at - info.started_at, _SECOND),
                    size=SIZE,
                )
            )
        self._send("egress_ended", info)

    def _room_closed(self, room_name: str) -> None:
        if not self.has_worker:
            return
        for info in self._egresses.values():
            if info.room_name == room_name and info.status in _RUNNING:
                self._end(info)

    def _send(self, event: str, info: EgressInfo) -> None:
        self._notify(
            WebhookEvent(
                id=new_id("EV_"),
                event=event,
                created_at=int(time.time()),
                egress_info=_copy(info),
            )
        )


def _copy(info: EgressInfo) -> EgressInfo:
    copy = EgressInfo()
    copy.CopyFrom(info)
    return copy
