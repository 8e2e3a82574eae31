"""Request bodies: JSON or nothing (RFC 8259)."""

from __future__ import annotations

import asyncio
import codecs
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, InternalServerException
from litestar.types import Empty

from entrypoints.http.content_coding import coding_of
from entrypoints.http.json_faults import check_values

MAX_BODY_BYTES: Final = 1024 * 1024
"""Room for 64 KiB of metadata even where a client writes every character as ``\\uXXXX``."""


BODY_WITHIN_SECONDS: Final = 20

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
    """The connection ended before the body did; nobody is there to read the answer."""


class SlowBody(ClientException):
    """The body came too slowly (RFC 9110, 15.5.9)."""

    status_code = HTTPStatus.REQUEST_TIMEOUT


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body, if a handler takes one, must be JSON in UTF-8."""

    async def body(self) -> bytes:
        """The body's bytes. Raises :class:`IncompleteBody` or :class:`SlowBody`."""
        if self._body is not Empty:  # Litestar asks twice
            return self._body
        try:
            async with asyncio.timeout(BODY_WITHIN_SECONDS):
                return await super().body()
        except TimeoutError:
            raise SlowBody(f"The body did not come within {BODY_WITHIN_SECONDS} seconds.") from None
        except InternalServerException as error:  # Litestar's word for a client that went away
            raise IncompleteBody("The connection ended before the body did.") from error

    async def json(self) -> Any:
        """Return the decoded body.

        Raises :class:`UnsupportedMediaType`, ``UnsupportedCoding``, :class:`MalformedJson`, or
        ``InvalidInput`` for a value that cannot be kept. Where a key is repeated, its last value
        counts, as in JavaScript.
        """
        media_type, _ = self.content_type
        beacon = self.route_handler.opt.get(TAKES_BEACONS) and media_type in BEACON_TYPES
        if not beacon and not _is_json(media_type):
            raise UnsupportedMediaType(media_type)
        coding_of(self.headers)
        body = (await self.body()).removeprefix(codecs.BOM_UTF8)  # RFC 8259, 8.1
        try:
            return msgspec.json.decode(body)
        except UnicodeDecodeError as error:
            raise MalformedJson(_NOT_UTF8) from error
        except RecursionError as error:
            raise MalformedJson("The body is nested too deeply.") from error
        except msgspec.DecodeError as error:
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
