"""The simulator's own routes, by which another process drives it. All JSON, all open.

| route | does |
| --- | --- |
| ``GET /simulator/state`` | what is there: ``rooms``, ``workers``, ``faults``, ``requests`` |
| ``POST /simulator/rooms/{room}/participants`` | ``{"identity", "kind", "attributes"}`` joins |
| ``DELETE /simulator/rooms/{room}/participants/{identity}`` | leaves; ``?reason=USER_REJECTED`` |
| ``PUT /simulator/workers/{agent_name}`` | registers a worker: ``{"joinAfterMs": 50}`` |
| ``DELETE /simulator/workers/{agent_name}`` | the worker is gone; its agents stay |
| ``POST /simulator/faults`` | a :class:`~adapters.simulator.faults.Fault`'s fields |
| ``DELETE /simulator/faults`` | from now on all goes well |
| ``POST /simulator/outage`` | ``{"seconds": 2}``: connections are refused for so long |
"""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import attrs
from aiohttp import web
from google.protobuf.json_format import MessageToDict
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from adapters.simulator.faults import Fault, FaultPlan
from adapters.simulator.listener import Listener
from adapters.simulator.world import World


@attrs.frozen
class Control:
    """Answers the routes above; 400 with ``{"error"}`` to a body that makes no sense."""

    world: World
    workers: dict[str, int]
    faults: FaultPlan
    requests: Counter[str]
    listener: Listener

    def add_to(self, app: web.Application) -> None:
        """Register the routes."""
        participants = "/simulator/rooms/{room}/participants"
        worker = "/simulator/workers/{agent_name}"
        app.add_routes(
            [
                web.get("/simulator/state", self._state),
                web.post(participants, self._join),
                web.delete(participants + "/{identity}", self._leave),
                web.put(worker, self._register),
                web.delete(worker, self._unregister),
                web.post("/simulator/faults", self._add_fault),
                web.delete("/simulator/faults", self._clear_faults),
                web.post("/simulator/outage", self._go_down),
            ]
        )

    async def _state(self, _request: web.Request) -> web.Response:
        rooms = [
            {
                **MessageToDict(room.info),
                "participants": [MessageToDict(info) for info in room.participants.values()],
                "dispatches": [MessageToDict(entry) for entry in room.dispatches.values()],
            }
            for room in self.world.rooms.values()
        ]
        return web.json_response(
            {
                "rooms": rooms,
                "workers": self.workers,
                "faults": [attrs.asdict(fault) for fault in self.faults.faults],
                "requests": self.requests,
            }
        )

    async def _join(self, request: web.Request) -> web.Response:
        body = await _body(request)
        kind = body.get("kind", "STANDARD")
        try:
            info = self.world.join(
                request.match_info["room"],
                body["identity"],
                kind=cast("ParticipantInfo.Kind", ParticipantInfo.Kind.Value(kind)),
                attributes=body.get("attributes"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _bad_request(error) from error
        return web.json_response(MessageToDict(info), status=201)

    async def _leave(self, request: web.Request) -> web.Response:
        try:
            reason = DisconnectReason.Value(request.query.get("reason", "CLIENT_INITIATED"))
        except ValueError as error:
            raise _bad_request(error) from error
        left = self.world.leave(
            request.match_info["room"],
            request.match_info["identity"],
            cast("DisconnectReason", reason),
        )
        return web.Response(status=204 if left else 404)

    async def _register(self, request: web.Request) -> web.Response:
        body = await _body(request)
        try:
            self.workers[request.match_info["agent_name"]] = int(body.get("joinAfterMs", 0))
        except (TypeError, ValueError) as error:
            raise _bad_request(error) from error
        return web.Response(status=204)

    async def _unregister(self, request: web.Request) -> web.Response:
        gone = self.workers.pop(request.match_info["agent_name"], None)
        return web.Response(status=404 if gone is None else 204)

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            self.faults.add(Fault(**await _body(request)))
        except (TypeError, ValueError) as error:
            raise _bad_request(error) from error
        return web.Response(status=204)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def _go_down(self, request: web.Request) -> web.Response:
        body = await _body(request)
        try:
            seconds = float(body["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise _bad_request(error) from error
        response = web.Response(status=204)
        # The answer must be out before its connection goes down with the others.
        await response.prepare(request)
        await response.write_eof()
        await self.listener.refuse(seconds)
        return response


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json() if request.can_read_body else {}
    except ValueError as error:
        raise _bad_request(error) from error
    if not isinstance(body, dict):
        raise _bad_request(TypeError("the body must be a JSON object"))
    return body


def _bad_request(error: Exception) -> web.HTTPBadRequest:
    message = f"{type(error).__name__}: {error}"
    return web.HTTPBadRequest(
        text=web.json_response({"error": message}).text, content_type="application/json"
    )
