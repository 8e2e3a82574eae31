"""Twirp over HTTP: protobuf or JSON in, the same out, errors always JSON (twitchtv.github.io)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, TypeVar

from aiohttp import web
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import DecodeError, Message

PROTOBUF: Final = "application/protobuf"
JSON: Final = "application/json"
_STATUS: Final[Mapping[str, int]] = {
    "bad_route": 404,
    "deadline_exceeded": 408,
    "failed_precondition": 412,
    "internal": 500,
    "invalid_argument": 400,
    "malformed": 400,
    "not_found": 404,
    "unauthenticated": 401,
    "unavailable": 503,
}

M = TypeVar("M", bound=Message)


class TwirpError(Exception):
    """A refusal, by Twirp's code."""

    def __init__(self, code: str, message: str, meta: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.meta = meta

    def response(self) -> web.Response:
        """As it goes over the wire."""
        body: dict[str, object] = {"code": self.code, "msg": self.message}
        if self.meta:
            body["meta"] = self.meta
        return web.json_response(body, status=_STATUS[self.code])


def bad_route(request: web.Request, message: str) -> TwirpError:
    """What Twirp answers to a request that no method takes."""
    route = {"twirp_invalid_route": f"{request.method} {request.path}"}
    return TwirpError("bad_route", message, route)


async def decode(request: web.Request, message_type: type[M]) -> M:
    """The request's message. Unknown JSON fields are ignored. Raises :class:`TwirpError`."""
    body = await request.read()
    try:
        if request.content_type == PROTOBUF:
            return message_type.FromString(body)
        return Parse(body, message_type(), ignore_unknown_fields=True)
    except (DecodeError, ParseError) as error:
        what = "protobuf" if request.content_type == PROTOBUF else "json"
        raise TwirpError("malformed", f"the {what} request could not be decoded") from error


def encode(request: web.Request, message: Message) -> web.Response:
    """The answer, in the request's content type."""
    if request.content_type == PROTOBUF:
        return web.Response(body=message.SerializeToString(), content_type=PROTOBUF)
    text = MessageToJson(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        indent=None,
    )
    return web.Response(text=text, content_type=JSON)


def error_body(code: str, message: str) -> bytes:
    """A Twirp error's body, for an answer whose status is not the code's own."""
    return json.dumps({"code": code, "msg": message}).encode()
