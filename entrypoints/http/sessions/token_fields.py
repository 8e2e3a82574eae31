"""The fields of a request that say what a LiveKit access token shall have."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec

from domain.rooms.token_options import (
    MAX_ATTRIBUTES_BYTES,
    MAX_METADATA_BYTES,
    MAX_NAME_BYTES,
    MIN_TTL_SECONDS,
    RESERVED_ATTRIBUTES,
    TOKEN_TTL,
    TokenRequest,
)
from entrypoints.presenters.fields import documented

_ATTRIBUTES_EXAMPLE = {"plan": "pro"}

ParticipantName = Annotated[
    str | None,
    documented(
        example="Ann Müller",
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
        description=f"The name that the room shows: up to {MAX_NAME_BYTES} bytes of UTF-8 without "
        "control characters.",
    ),
]
ParticipantMetadata = Annotated[
    str | None,
    documented(
        example='{"plan":"pro"}',
        description=f"LiveKit's participant metadata: up to {MAX_METADATA_BYTES} bytes of UTF-8. "
        "Everyone in the room can read it.",
    ),
]
ParticipantAttributes = Annotated[
    dict[str, str] | None,
    documented(
        example=_ATTRIBUTES_EXAMPLE,
        property_names={"pattern": r"^(?!lk\.|sip\.|backend-livekit\.)[\s\S]"},
        description=f"LiveKit's participant attributes: up to {MAX_ATTRIBUTES_BYTES} bytes of "
        "UTF-8, names and values together. No name begins with "
        f"{', '.join(f'`{prefix}`' for prefix in RESERVED_ATTRIBUTES)}. Everyone in the room can "
        "read them.",
    ),
]
TokenTtlSeconds = Annotated[
    int | str | None,  # a text is refused by the domain: msgspec would make a number of "600"
    documented(
        example=int(TOKEN_TTL.total_seconds()),
        description="How long the user has to join, in seconds; at most the variable "
        f"`MAX_TOKEN_TTL_SECONDS`. {TOKEN_TTL.total_seconds():.0f} if absent.",
    ),
]


def ttl_keywords(longest: timedelta) -> dict[str, object]:
    """Return the schema of ``tokenTtlSeconds`` where no token may be valid for longer."""
    most = int(longest.total_seconds())
    whole = {"type": "integer", "minimum": MIN_TTL_SECONDS, "maximum": most}
    return {"oneOf": [whole, {"type": "null"}]}


class TokenFields(msgspec.Struct, rename="camel", kw_only=True):
    """What the token shall have beside the identity and the room. None of it is stored."""

    participant_name: ParticipantName = None
    participant_metadata: ParticipantMetadata = None
    participant_attributes: ParticipantAttributes = None
    token_ttl_seconds: TokenTtlSeconds = None

    @property
    def token_request(self) -> TokenRequest:
        """Return what the domain checks."""
        return TokenRequest(
            participant_name=self.participant_name,
            participant_metadata=self.participant_metadata,
            participant_attributes=self.participant_attributes,
            token_ttl_seconds=self.token_ttl_seconds,
        )
