"""Request bodies: JSON or nothing (RFC 8259)."""

from __future__ import annotations

import asyncio
import codecs
import time
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, HTTPException, InternalServerException
from litestar.types import Empty

from entrypoints.http.middleware.budget import Holding
from entrypoints.http.middleware.overload import OVERLOAD, Overload
from entrypoints.http.middleware.unread_body import mark_as_read
from entrypoints.http.requests.content_coding import coding_of
from entrypoints.http.requests.json_faults import check_values
from entrypoints.http.requests.json_shape import check_shape

MAX_BODY_BYTES: Final = 512 * 1024
"""Room for 64 KiB of metadata even where a client writes every character as ``\\uXXXX``."""

BODY_WITHIN_SECONDS: Final = 20
_TURN_WITHIN_SECONDS: Final = 10

_LARGE: Final = 16 * 1024
"""Bodies of more bytes are read one after the other, with a pause after each."""
_LONGEST_PAUSE_SECONDS: Final = 0.1

TAKES_BEACONS: Final = "takes_beacons"
"""The option of a route that also takes JSON under one of :data:`BEACON_TYPES`."""

BEACON_TYPES: Final = ("text/plain", "")
"""Content types that ``navigator.sendBeacon`` sets for a string and for bytes."""


_NOT_UTF8: Final = "The body is not valid UTF-8, in which JSON is sent."


class UnsupportedMediaType(ClientException):
    """The body is not declared as what this route takes, which is ``wanted``."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE

    def __init__(self, sent: str, wanted: str = "application/json") -> None:
        declared = f"as '{sent[:80]}'" if sent else "without a content type"
        super().__init__(
            f"Send the body as JSON with the header 'Content-Type: {wanted}'; it came {declared}."
        )
        self.wanted = wanted


class MalformedJson(ClientException):
    """The body is declared as JSON and is not."""


class IncompleteBody(ClientException):
    """The connection ended before the body did; no client is left to answer."""


class SlowBody(ClientException):
    """The body came too slowly (RFC 9110, 15.5.9)."""

    status_code = HTTPStatus.REQUEST_TIMEOUT


class Overloaded(HTTPException):
    """The body was dropped to make room for those of other clients."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body, if a handler takes one, must be JSON in UTF-8."""

    _holding: Holding | None = None
    _receiving: asyncio.Timeout | None = None

    async def body(self) -> bytes:
        """The body's bytes, which count as kept until :meth:`drop_body`.

        Raises :class:`IncompleteBody`, :class:`SlowBody` or :class:`Overloaded`.
        """
        if self._body is not Empty:  # Litestar asks twice
            return self._body
        try:
            async with asyncio.timeout(BODY_WITHIN_SECONDS) as self._receiving:
                if (self.content_length or _LARGE + 1) <= _LARGE:
                    body = await self._received()
                else:
                    async with AsyncExitStack() as stack:
                        await self._take_turn(stack)
                        body = await self._received()
        except TimeoutError:
            self._check_kept()
            raise SlowBody(f"The body did not come within {BODY_WITHIN_SECONDS} seconds.") from None
        except InternalServerException as error:  # Litestar's word for a client that went away
            raise IncompleteBody("The connection ended before the body did.") from error
        else:
            self._body = self._connection_state.body = body
            mark_as_read(self.scope)
            return body
        finally:
            self._receiving = None
            if self._body is Empty:
                self.drop_body()

    async def _take_turn(self, stack: AsyncExitStack) -> None:
        """Wait until few large bodies of this client are being received; ``stack`` ends the turn.

        For a part of the time only: granian does not close a connection of which it was asked for
        the body in the moment of the answer, nor one whose request is still referred to.
        """
        turn = self._overload.receiving.take(self._overload.client(self.scope))
        try:
            async with asyncio.timeout(_TURN_WITHIN_SECONDS):
                await stack.enter_async_context(turn)
        except TimeoutError:
            raise Overloaded(
                "Too many large bodies of this client are being received. Send this one again when "
                "they have come."
            ) from None

    async def _received(self) -> bytes:
        chunks = []
        async for chunk in self.stream():
            chunks.append(chunk)
            # A small body mostly comes at once, and is not counted.
            if self._holding is None and 0 < len(chunk) != self.content_length:
                client = self._overload.client(self.scope)
                self._holding = self._overload.bodies.hold(client, self._evict)
            if self._holding is not None:
                self._holding.grow(len(chunk))
        return b"".join(chunks)

    @property
    def _overload(self) -> Overload:
        overload: Overload = self.app.state[OVERLOAD]
        return overload

    def _evict(self) -> None:
        if self._receiving is not None:
            self._receiving.reschedule(asyncio.get_running_loop().time())
        elif self._body is not Empty:
            self._forget_body()

    def _check_kept(self) -> None:
        if self._holding is not None and self._holding.evicted:
            raise Overloaded(
                "Too many unfinished requests are in memory, and the largest of the client with "
                "the most were dropped. Send this one again."
            )

    def _forget_body(self) -> None:
        self._body = self._connection_state.body = b""

    def drop_body(self) -> None:
        """Count the body no longer."""
        if self._holding is not None:
            self._holding.release()
            self._holding = None  # it refers to this request: see _take_turn

    async def json(self) -> Any:
        """Return the decoded body, whose bytes are dropped.

        Raises :class:`UnsupportedMediaType`, ``UnsupportedCoding``, ``TooManyValues``,
        ``LongNumber``, :class:`MalformedJson`, or ``InvalidInput`` for a value that cannot be kept.
        Where a key is repeated, its last value counts, as in JavaScript.
        """
        try:
            return await self._json_value()
        finally:
            self._forget_body()
            self.drop_body()

    async def _json_value(self) -> Any:
        media_type, _ = self.content_type
        beacon = self.route_handler.opt.get(TAKES_BEACONS) and media_type in BEACON_TYPES
        if not beacon and not _is_json(media_type):
            raise UnsupportedMediaType(media_type)
        coding_of(self.headers)
        if len(await self.body()) <= _LARGE:
            return await self._decoded()
        async with self._overload.large_bodies.take(self._overload.client(self.scope)):
            began = time.perf_counter()
            try:
                return await self._decoded()
            finally:  # others use the processor for three times as long
                pause = 3 * (time.perf_counter() - began)
                await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))

    async def _decoded(self) -> Any:
        self._check_kept()
        return await _decoded((await self.body()).removeprefix(codecs.BOM_UTF8))  # RFC 8259, 8.1


async def _decoded(body: bytes) -> Any:
    try:
        check_shape(body)
        return msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise MalformedJson(_NOT_UTF8) from error
    except RecursionError as error:
        raise MalformedJson("The body is nested too deeply.") from error
    except msgspec.DecodeError as error:
        if len(body) > _LARGE:
            await asyncio.to_thread(check_values, _text(body))
        else:
            check_values(_text(body))
        raise MalformedJson(f"The body is not valid JSON: {error}.") from error


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise MalformedJson(_NOT_UTF8) from error


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
