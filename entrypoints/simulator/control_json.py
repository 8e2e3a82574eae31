"""What the simulator's own routes read and answer, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import attrs
from aiohttp import web
from google.protobuf.json_format import MessageToDict
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from entrypoints.simulator.webhooks import Delivery
from entrypoints.simulator.world import LiveRoom


def room_json(room: LiveRoom) -> dict[str, Any]:
    """Return what ``GET /simulator/state`` shows of a room."""
    return {
        **MessageToDict(room.info),
        "participants": [MessageToDict(info) for info in room.participants.values()],
        "dispatches": [MessageToDict(entry) for entry in room.dispatches.values()],
    }


def event_json(delivery: Delivery) -> dict[str, Any]:
    """Return what ``GET /simulator/webhooks`` shows of an event."""
    fields = attrs.asdict(delivery)
    return {"roomSid": fields.pop("room_sid"), **fields}


def participant(body: Mapping[str, Any]) -> ParticipantInfo:
    """Return the participant that a request adds. Raises KeyError, TypeError or ValueError."""
    return ParticipantInfo(
        identity=body["identity"],
        kind=cast("ParticipantInfo.Kind", ParticipantInfo.Kind.Value(body.get("kind", "STANDARD"))),
        attributes=body.get("attributes"),
    )


def disconnect_reason(request: web.Request, default: DisconnectReason) -> DisconnectReason:
    """Return ``?reason=``, or ``default``."""
    name = request.query.get("reason")
    try:
        return cast("DisconnectReason", DisconnectReason.Value(name)) if name else default
    except ValueError as error:
        raise bad_request(error) from error


async def seconds_of(request: web.Request) -> float:
    """Return ``seconds`` of the request's body."""
    body = await body_of(request)
    try:
        return float(body["seconds"])
    except (KeyError, TypeError, ValueError) as error:
        raise bad_request(error) from error


async def body_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object that the request carries; empty if it has no body."""
    try:
        body = await request.json() if request.can_read_body else {}
    except ValueError as error:
        raise bad_request(error) from error
    if not isinstance(body, dict):
        raise bad_request(TypeError("the body must be a JSON object"))
    return body


def bad_request(error: Exception) -> web.HTTPBadRequest:
    """Return a 400 with ``{"error"}`` that says what is wrong with the request."""
    message = f"{type(error).__name__}: {error}"
    return web.HTTPBadRequest(
        text=web.json_response({"error": message}).text, content_type="application/json"
    )
