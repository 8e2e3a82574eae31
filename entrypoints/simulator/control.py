"""The simulator's own routes, by which another process drives it. All JSON, all open.

| route | does |
| --- | --- |
| ``GET /simulator/state`` | ``rooms`` (or one: ``?room=``), ``workers``, ``faults``, ``requests`` |
| ``GET /simulator/webhooks`` | what became of each event: ``events``, ``pending`` copies |
| ``GET /simulator/agents`` | by room sid, also if closed: ``most``, ``together``, ``dispatches`` |
| ``POST /simulator/rooms`` | ``{"rooms": [{"name", "participants": [...]}]}`` makes many at once |
| ``DELETE /simulator/rooms/{room}`` | closes it; ``?reason=ROOM_CLOSED`` |
| ``POST /simulator/rooms/{room}/participants`` | ``{"identity", "kind", "attributes"}`` joins |
| ``DELETE /simulator/rooms/{room}/participants/{identity}`` | leaves; ``?reason=USER_REJECTED`` |
| ``PATCH /simulator/rooms/{room}/participants/{identity}`` | ``{"attributes"}`` are set |
| ``PUT /simulator/workers/{agent_name}`` | registers a worker: ``{"joinAfterMs": 50}`` |
| ``DELETE /simulator/workers/{agent_name}`` | the worker is gone; its agents stay |
| ``PUT /simulator/egress`` | ``{"worker": false}``: no egress service answers |
| ``POST /simulator/faults`` | a :class:`~entrypoints.simulator.faults.Fault`'s fields |
| ``DELETE /simulator/faults`` | from now on all goes well |
| ``PUT /simulator/chaos`` | a ``Chaos``'s fields; none: no chaos |
| ``POST /simulator/outage`` | ``{"seconds": 2}``: connections are refused for so long |
| ``POST /simulator/restart`` | the same, and every room is forgotten without a webhook |

``most`` is how many agents of the same name were in the room at once, ``together`` since when and
until when there was more than one, each time (``until`` null: still; seconds of the machine's
monotonic clock). Of its dispatches ``created`` counts those made by CreateDispatch, ``live`` those
that are there now and name an agent.
"""

from __future__ import annotations

from collections import Counter

import attrs
from aiohttp import web
from google.protobuf.json_format import MessageToDict
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.room import CreateRoomRequest

from entrypoints.simulator.chaos import Chaos
from entrypoints.simulator.control_json import (
    bad_request,
    body_of,
    disconnect_reason,
    event_json,
    participant,
    room_json,
    seconds_of,
)
from entrypoints.simulator.egress import EgressService
from entrypoints.simulator.faults import Fault, FaultPlan
from entrypoints.simulator.listener import Listener
from entrypoints.simulator.webhooks import WebhookSender
from entrypoints.simulator.world import World


@attrs.frozen
class Control:
    """Answers the routes above; 400 with ``{"error"}`` to a body that makes no sense."""

    world: World
    workers: dict[str, int]
    faults: FaultPlan
    webhooks: WebhookSender
    requests: Counter[str]
    listener: Listener
    egress: EgressService

    def add_to(self, app: web.Application) -> None:
        """Register the routes."""
        participants = "/simulator/rooms/{room}/participants"
        participant = participants + "/{identity}"
        worker = "/simulator/workers/{agent_name}"
        app.add_routes(
            [
                web.get("/simulator/state", self._state),
                web.get("/simulator/webhooks", self._webhooks),
                web.get("/simulator/agents", self._agents),
                web.post("/simulator/rooms", self._make_rooms),
                web.delete("/simulator/rooms/{room}", self._close_room),
                web.post(participants, self._join),
                web.delete(participant, self._leave),
                web.patch(participant, self._set_attributes),
                web.put(worker, self._register),
                web.delete(worker, self._unregister),
                web.put("/simulator/egress", self._set_egress),
                web.post("/simulator/faults", self._add_fault),
                web.delete("/simulator/faults", self._clear_faults),
                web.put("/simulator/chaos", self._set_chaos),
                web.post("/simulator/outage", self._go_down),
                web.post("/simulator/restart", self._restart),
            ]
        )

    async def _state(self, request: web.Request) -> web.Response:
        name = request.query.get("room")
        rooms = self.world.rooms
        return web.json_response(
            {
                "rooms": [
                    room_json(room)
                    for room in (rooms.values() if name is None else [rooms.get(name)])
                    if room is not None
                ],
                "workers": self.workers,
                "faults": [attrs.asdict(fault) for fault in self.faults.faults],
                "requests": self.requests,
            }
        )

    async def _webhooks(self, _request: web.Request) -> web.Response:
        events = [event_json(delivery) for delivery in self.webhooks.deliveries]
        return web.json_response({"events": events, "pending": self.webhooks.pending})

    async def _agents(self, _request: web.Request) -> web.Response:
        records = self.world.agent_records
        live = {
            room.info.sid: sum(entry.agent_name != "" for entry in room.dispatches.values())
            for room in self.world.rooms.values()
        }
        return web.json_response(
            {
                "most": {sid: record.most_at_once for sid, record in records.items()},
                "together": {
                    sid: [
                        {"room": record.room, "since": since, "until": until}
                        for since, until in record.together
                    ]
                    for sid, record in records.items()
                    if record.together
                },
                "dispatches": {
                    sid: {"live": live.get(sid, 0), "created": record.dispatches}
                    for sid, record in records.items()
                },
            }
        )

    async def _make_rooms(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        try:
            rooms = [
                (
                    CreateRoomRequest(name=room["name"]),
                    [participant(entry) for entry in room.get("participants", ())],
                )
                for room in body["rooms"]
            ]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise bad_request(error) from error
        for room, newcomers in rooms:
            self.world.create_room(room)
            for newcomer in newcomers:
                self._admit(room.name, newcomer)
        return web.Response(status=204)

    async def _close_room(self, request: web.Request) -> web.Response:
        closed = self.world.close_room(
            request.match_info["room"], disconnect_reason(request, DisconnectReason.ROOM_CLOSED)
        )
        return web.Response(status=204 if closed else 404)

    async def _join(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        try:
            newcomer = participant(body)
        except (KeyError, TypeError, ValueError) as error:
            raise bad_request(error) from error
        info = self._admit(request.match_info["room"], newcomer)
        return web.json_response(MessageToDict(info), status=201)

    def _admit(self, room: str, newcomer: ParticipantInfo) -> ParticipantInfo:
        return self.world.join(
            room, newcomer.identity, kind=newcomer.kind, attributes=newcomer.attributes
        )

    async def _leave(self, request: web.Request) -> web.Response:
        left = self.world.leave(
            request.match_info["room"],
            request.match_info["identity"],
            disconnect_reason(request, DisconnectReason.CLIENT_INITIATED),
        )
        return web.Response(status=204 if left else 404)

    async def _set_attributes(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        try:
            attributes = ParticipantInfo(attributes=body["attributes"]).attributes
        except (KeyError, TypeError, ValueError) as error:
            raise bad_request(error) from error
        info = self.world.set_attributes(
            request.match_info["room"], request.match_info["identity"], attributes
        )
        return web.Response(status=404 if info is None else 204)

    async def _register(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        try:
            self.workers[request.match_info["agent_name"]] = int(body.get("joinAfterMs", 0))
        except (TypeError, ValueError) as error:
            raise bad_request(error) from error
        return web.Response(status=204)

    async def _unregister(self, request: web.Request) -> web.Response:
        gone = self.workers.pop(request.match_info["agent_name"], None)
        return web.Response(status=404 if gone is None else 204)

    async def _set_egress(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self.egress.has_worker = body.get("worker") is True
        return web.Response(status=204)

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            self.faults.add(Fault(**await body_of(request)))
        except (TypeError, ValueError) as error:
            raise bad_request(error) from error
        return web.Response(status=204)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def _set_chaos(self, request: web.Request) -> web.Response:
        try:
            self.webhooks.chaos = Chaos(**await body_of(request))
        except (TypeError, ValueError) as error:
            raise bad_request(error) from error
        return web.Response(status=204)

    async def _restart(self, request: web.Request) -> web.Response:
        seconds = await seconds_of(request)
        self.world.clear()
        return await self._refuse(request, seconds)

    async def _go_down(self, request: web.Request) -> web.Response:
        return await self._refuse(request, await seconds_of(request))

    async def _refuse(self, request: web.Request, seconds: float) -> web.Response:
        response = web.Response(status=204)
        # The answer must be out before its connection goes down with the others.
        await response.prepare(request)
        await response.write_eof()
        await self.listener.refuse(seconds)
        return response
