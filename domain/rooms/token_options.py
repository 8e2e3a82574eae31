"""What a caller may choose of a LiveKit access token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import attrs

from domain.shared.errors import InvalidInput

TOKEN_TTL: Final = timedelta(minutes=10)
"""How long a user has to join; LiveKit renews the tokens of participants by as much."""
LONGEST_TOKEN_TTL: Final = timedelta(hours=1)
"""The default of MAX_TOKEN_TTL_SECONDS."""
LONGEST_OF_ALL: Final = timedelta(days=7)
"""The most that MAX_TOKEN_TTL_SECONDS may be."""

MIN_TTL_SECONDS: Final = 10
MAX_NAME_BYTES: Final = 256
MAX_METADATA_BYTES: Final = 64_000
MAX_ATTRIBUTES_BYTES: Final = 63_000
"""Names and values together. LiveKit refuses a participant with more than 64,000 bytes of either
(later versions take 512 KiB of metadata); this service may add an attribute.

https://docs.livekit.io/transport/data/state/participant-attributes/ and ``LimitConfig`` in
pkg/config/config.go of livekit-server.
"""
RESERVED_ATTRIBUTES: Final = ("lk.", "sip.", "backend-livekit.")
"""How the names of attributes begin that LiveKit, its agents, its SIP service or we set."""


@attrs.frozen(kw_only=True)
class TokenOptions:
    """The participant's name, metadata and attributes, and how long the token is valid.

    They are in the token only: LiveKit shows them to the room, and no session stores them.
    ``awaits_agent`` makes LiveKit's client SDKs wait for an agent after they have joined.
    """

    name: str | None = None
    metadata: str | None = None
    attributes: Mapping[str, str] = attrs.field(factory=dict)
    ttl: timedelta = TOKEN_TTL
    awaits_agent: bool = False

    @property
    def chosen(self) -> dict[str, Any]:
        """Return what differs from the defaults, as JSON data."""
        seconds = None if self.ttl == TOKEN_TTL else int(self.ttl.total_seconds())
        found = {
            "name": self.name,
            "metadata": self.metadata,
            "attributes": dict(self.attributes),
            "ttl": seconds,
        }
        return {key: value for key, value in found.items() if value}


DEFAULT_OPTIONS: Final = TokenOptions()


@attrs.frozen(kw_only=True)
class TokenRequest:
    """What a caller asks of a token, unchecked. None means absent."""

    participant_name: str | None = None
    participant_metadata: str | None = None
    participant_attributes: Mapping[str, str] | None = None
    token_ttl_seconds: object = None

    def options(self, longest_ttl: timedelta = LONGEST_TOKEN_TTL) -> TokenOptions:
        """Return the options. Raises :class:`InvalidInput`, which names the field."""
        if self == _NOTHING_ASKED:
            return DEFAULT_OPTIONS
        return TokenOptions(
            name=_name(self.participant_name),
            metadata=_text("participantMetadata", self.participant_metadata, MAX_METADATA_BYTES),
            attributes=_attributes(self.participant_attributes),
            ttl=_ttl(self.token_ttl_seconds, longest_ttl),
        )


_NOTHING_ASKED: Final = TokenRequest()


def _name(given: str | None) -> str | None:
    name = _text("participantName", given, MAX_NAME_BYTES)
    if name and any(char < " " or "\x7f" <= char <= "\x9f" for char in name):
        raise InvalidInput(
            "participantName must be without control characters.",
            field="participantName",
            example="Ann Müller",
        )
    return name


def _text(field: str, given: object, limit: int) -> str | None:
    """Return a text of at most ``limit`` bytes of UTF-8; None for an empty one."""
    if given is None:
        return None
    size = _size(given)
    if size is None or size > limit:
        found = "" if size is None else f", not {size}"
        raise InvalidInput(
            f"{field} must be a text of at most {limit} bytes of UTF-8{found}.",
            field=field,
            limitBytes=limit,
        )
    return str(given) or None


def _size(text: object) -> int | None:
    """Return the bytes of a text; None for what is no text, or has half a surrogate pair."""
    try:
        return len(text.encode()) if isinstance(text, str) else None
    except UnicodeEncodeError:
        return None


def _attributes(given: object) -> Mapping[str, str]:
    field = "participantAttributes"
    if given is None:
        return {}
    example = {"plan": "pro"}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{field} must be an object.", field=field, example=example)
    total = 0
    for key, value in given.items():
        sizes = _size(key), _size(value)
        if not sizes[0] or sizes[1] is None:
            raise InvalidInput(
                f"{field} must have names that are not empty and values that are texts.",
                field=field,
                example=example,
            )
        if key.startswith(RESERVED_ATTRIBUTES):
            raise InvalidInput(
                f"{field} must not have names that begin with {', '.join(RESERVED_ATTRIBUTES)}: "
                "LiveKit and this service set them.",
                field=field,
                example=example,
            )
        total += sizes[0] + sizes[1]
    if total > MAX_ATTRIBUTES_BYTES:
        raise InvalidInput(
            f"{field} must be at most {MAX_ATTRIBUTES_BYTES} bytes of UTF-8 in all, names and "
            f"values, not {total}.",
            field=field,
            limitBytes=MAX_ATTRIBUTES_BYTES,
        )
    return dict(given)


def _ttl(seconds: object, longest: timedelta) -> timedelta:
    if seconds is None:
        return TOKEN_TTL
    most = int(longest.total_seconds())
    if type(seconds) is not int or not MIN_TTL_SECONDS <= seconds <= most:  # True is an int
        raise InvalidInput(
            f"tokenTtlSeconds must be a whole number from {MIN_TTL_SECONDS} to {most} "
            "(MAX_TOKEN_TTL_SECONDS).",
            field="tokenTtlSeconds",
            example=min(600, most),
        )
    return timedelta(seconds=seconds)
