"""``Content-Encoding`` of request bodies (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

GZIP: Final = "gzip"
IDENTITY: Final = "identity"
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
_MOST_MEMBERS: Final = 16
"""Each takes a copy of what follows it."""
_ALIASES: Final[Mapping[str, str]] = {"x-gzip": GZIP}


class UnsupportedCoding(ClientException):
    """The body is compressed in a way that this route does not read."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE

    def __init__(self, coding: str, supported: tuple[str, ...]) -> None:
        self.accepted = ", ".join(supported) or IDENTITY
        instead = f"uncompressed{''.join(f' or with {name}' for name in supported)}"
        super().__init__(f"Content-Encoding '{coding}' is not supported; send the body {instead}.")


class CorruptBody(ClientException):
    """The body is not what its ``Content-Encoding`` says."""


def coding_of(headers: Mapping[str, str], supported: tuple[str, ...] = ()) -> str:
    """Return the body's only content coding, ``identity`` if there is none.

    Raises :class:`UnsupportedCoding` for one that is not ``supported``, and for several.
    """
    header = headers.get("content-encoding", "")
    codings = [coding.strip().lower() for coding in header.split(",")]
    applied = [_ALIASES.get(coding, coding) for coding in codings if coding not in ("", IDENTITY)]
    if not applied:
        return IDENTITY
    if len(applied) > 1 or applied[0] not in supported:
        raise UnsupportedCoding(header.strip()[:80], supported)
    return applied[0]


def decompressed(body: bytes, coding: str, limit: int) -> bytes:
    """Return ``body`` without its ``coding``.

    Raises :class:`CorruptBody`, or ``RequestEntityTooLarge`` as soon as more than ``limit`` bytes
    would come out.
    """
    if coding == IDENTITY:
        return body
    plain, rest = b"", body
    try:
        for _ in range(_MOST_MEMBERS):  # gzip may have several members (RFC 1952, 2.2)
            member = zlib.decompressobj(_GZIP_FORMAT)
            plain += member.decompress(rest, limit + 1 - len(plain))
            if len(plain) > limit:
                raise RequestEntityTooLarge
            if not member.eof:
                raise CorruptBody("The body ends before its gzip data does.")
            rest = member.unused_data
            if not rest:
                return plain
        raise CorruptBody(f"The body's gzip data has more than {_MOST_MEMBERS} members.")
    except zlib.error as error:
        raise CorruptBody("The body is not gzip data, as its Content-Encoding says.") from error
