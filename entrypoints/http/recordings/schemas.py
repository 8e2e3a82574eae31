"""What requests and responses have beside :mod:`entrypoints.presenters.recordings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from domain.recordings.link import (
    DEFAULT_TTL_SECONDS,
    MAX_TTL_SECONDS,
    MIN_TTL_SECONDS,
    Link,
)
from domain.recordings.recording import Recording
from domain.shared.errors import InvalidInput
from entrypoints.http.requests.fields import query_parameter
from entrypoints.presenters.fields import Timestamp
from entrypoints.presenters.recordings import RecordingResponse, recording_response

RecordingIdQuery = Annotated[
    str | None,
    query_parameter(
        "recordingId",
        format=OpenAPIFormat.UUID,
        description="Another recording than the newest one.",
    ),
]
TtlQuery = Annotated[
    str | None,
    query_parameter(
        "ttlSeconds",
        type=OpenAPIType.INTEGER,
        minimum=MIN_TTL_SECONDS,
        maximum=MAX_TTL_SECONDS,
        default=DEFAULT_TTL_SECONDS,
    ),
]
ExpiresQuery = Annotated[str | None, query_parameter("expires", description="Unix seconds.")]
SignatureQuery = Annotated[str | None, query_parameter("signature")]
_MOST_DIGITS: Final = 6


class RecordingsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A session's recordings, the newest first."""

    recordings: list[RecordingResponse]


class RecordingLinkResponse(msgspec.Struct, rename="camel", kw_only=True):
    """With `url` the recording can be played until `expiresAt`, without a key."""

    url: str
    expires_at: Timestamp


def recordings_response(recordings: Sequence[Recording]) -> RecordingsResponse:
    """Return a session's recordings as the contract shows them."""
    return RecordingsResponse(recordings=[recording_response(one) for one in recordings])


def link_response(link: Link, base: str, expires_at: str) -> RecordingLinkResponse:
    """Return a link at the address that the service was asked at."""
    return RecordingLinkResponse(url=f"{base}{link.path}", expires_at=expires_at)


def seconds(raw: str | None) -> int:
    """Return how long a link is valid. Raises :class:`InvalidInput`."""
    if not raw:
        return DEFAULT_TTL_SECONDS
    if not (raw.isascii() and raw.isdigit() and len(raw) <= _MOST_DIGITS):
        raise InvalidInput(
            f"ttlSeconds must be a whole number from {MIN_TTL_SECONDS} to {MAX_TTL_SECONDS}.",
            field="ttlSeconds",
            example=DEFAULT_TTL_SECONDS,
        )
    return int(raw)
