"""What goes wrong, on order."""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
from aiohttp import web

from entrypoints.simulator.twirp import JSON, PROTOBUF, error_body

ANY_METHOD: Final = "*"
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, zero seconds


class FaultKind(enum.StrEnum):
    """What the caller sees."""

    ERROR = "error"
    """An HTTP error ``status`` with a Twirp body."""
    RESET = "reset"
    """The connection is reset."""
    HANG = "hang"
    """No answer, or a right one after ``seconds``."""
    GARBAGE = "garbage"
    """A 200 whose body is no Twirp message."""
    BLANK = "blank"
    """A 200 without a body or content type, as some proxies answer."""
    EMPTY = "empty"
    """A 200 whose message has every field at its default."""
    REDIRECT = "redirect"
    """A 308 to the same path at https://livekit.example."""


@attrs.frozen(kw_only=True)
class Fault:
    """A rule: the next ``times`` requests for ``method`` (``*``: any) go wrong.

    ``applied`` says whether the request takes effect before it goes wrong. Raises
    :class:`ValueError` when it makes no sense.
    """

    kind: FaultKind = attrs.field(converter=FaultKind)
    method: str = attrs.field(default=ANY_METHOD, validator=attrs.validators.instance_of(str))
    applied: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))
    times: int = attrs.field(default=1, converter=int, validator=attrs.validators.ge(1))
    status: int = attrs.field(
        default=503,
        converter=int,
        validator=attrs.validators.and_(attrs.validators.ge(400), attrs.validators.lt(600)),
    )
    seconds: float | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(float),
        validator=attrs.validators.optional(attrs.validators.ge(0)),
    )

    async def inflict(
        self, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """Treat ``request`` so; ``answer`` applies it."""
        if self.kind is FaultKind.HANG:
            await request.read()  # it may take effect after its caller has gone away
            return await self._hang(answer)
        if self.applied:
            await answer()
        if self.kind is FaultKind.RESET:
            _reset(request)
        if self.kind is FaultKind.GARBAGE:
            return web.Response(text="<html>gateway</html>", content_type="text/html")
        if self.kind is FaultKind.BLANK:
            return web.Response(headers={"Content-Type": ""})
        if self.kind is FaultKind.EMPTY:
            return web.Response(content_type=PROTOBUF)
        if self.kind is FaultKind.REDIRECT:
            location = f"https://livekit.example{request.path_qs}"
            return web.Response(status=308, headers={"Location": location})
        body = error_body("unavailable", f"the simulator's fault plan answers {self.status}")
        return web.Response(status=self.status, body=body, content_type=JSON)

    async def _hang(self, answer: Callable[[], Awaitable[web.Response]]) -> web.Response:
        response = await answer() if self.applied else None
        if self.seconds is None:
            await asyncio.Event().wait()  # until the simulator stops
        else:
            await asyncio.sleep(self.seconds)
        return await answer() if response is None else response


class FaultPlan:
    """The rules in force; the first that fits a request is used up first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The rules with the times they have left."""
        return tuple(self._faults)

    def add(self, fault: Fault) -> None:
        """Put a rule after the others."""
        self._faults.append(fault)

    def clear(self) -> None:
        """From now on all goes well."""
        self._faults.clear()

    def take(self, method: str) -> Fault | None:
        """The rule for a request for ``method``, which uses it up once."""
        for index, fault in enumerate(self._faults):
            if fault.method in (ANY_METHOD, method):
                rest = [attrs.evolve(fault, times=fault.times - 1)] if fault.times > 1 else []
                self._faults[index : index + 1] = rest
                return fault
        return None


def _reset(request: web.Request) -> None:
    transport = request.transport
    if transport is not None:
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
