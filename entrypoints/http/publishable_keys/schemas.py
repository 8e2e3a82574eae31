"""What requests and responses of publishable keys have."""

from __future__ import annotations

from typing import Annotated

import msgspec

from domain.access.manage_publishable_keys import (
    DEFAULT_PER_MINUTE,
    MOST_ORIGINS,
    MOST_PER_MINUTE,
    MadePublishableKey,
)
from domain.access.publishable_key import PublishableKey
from domain.agents.use_agent import AgentReference
from entrypoints.presenters.fields import Timestamp, Uuid, documented
from entrypoints.presenters.times import rfc3339

AllowedOrigins = Annotated[
    list[str],
    documented(
        example=["https://app.example.com"],
        min_items=1,
        max_items=MOST_ORIGINS,
        description="Origins of web pages, as in `CORS_ALLOW_ORIGINS`: `https://*.example.com` is "
        "every sub-domain, `http://localhost:*` every port.",
    ),
]
AgentName = Annotated[
    str | None,
    documented(
        example="shreya-obnox",
        description="`AGENT_NAME`, which is the default, or one of `TOKEN_AGENT_NAMES`.",
    ),
]
SavedAgent = Annotated[
    str | None,
    documented(
        example=AgentReference.example,
        pattern=f"^{AgentReference.pattern}$",
        examples=[AgentReference.example],
        description="A saved agent (`id`: the active version of the moment, or `id@version`) "
        "instead of `agentName`. Each of its variables must have a default.",
    ),
]
PerMinute = Annotated[
    int | None,
    documented(
        example=DEFAULT_PER_MINUTE,
        minimum=1,
        maximum=MOST_PER_MINUTE,
        description=f"Tokens that are issued with the key in a minute; {DEFAULT_PER_MINUTE} if "
        "absent.",
    ),
]


class CreatePublishableKeyRequest(msgspec.Struct, rename="camel", kw_only=True):
    """Which web pages may fetch tokens with the key, and for which agent."""

    allowed_origins: AllowedOrigins
    agent_name: AgentName = None
    agent_id: SavedAgent = None
    requests_per_minute: PerMinute = None


class PublishableKeyResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A publishable key without its text; `prefix` is the beginning of that.

    It has either `agentName` or `agentId`.
    """

    id: Uuid
    prefix: str
    agent_name: str | msgspec.UnsetType = msgspec.UNSET
    agent_id: str | msgspec.UnsetType = msgspec.UNSET
    allowed_origins: list[str]
    requests_per_minute: int
    created_at: Timestamp


class CreatedPublishableKeyResponse(PublishableKeyResponse, rename="camel", kw_only=True):
    """A new publishable key. `key` is shown this once only: the ledger keeps a hash of it."""

    key: str


class PublishableKeysResponse(msgspec.Struct, rename="camel", kw_only=True):
    """The tenant's keys, the newest first."""

    publishable_keys: list[PublishableKeyResponse]


def key_response(key: PublishableKey) -> PublishableKeyResponse:
    """Return ``key`` as the contract shows it."""
    return PublishableKeyResponse(
        id=key.id,
        prefix=key.prefix,
        agent_name=msgspec.UNSET if key.agent_name is None else key.agent_name,
        agent_id=msgspec.UNSET if key.agent_id is None else key.agent_id,
        allowed_origins=list(key.allowed_origins),
        requests_per_minute=key.requests_per_minute,
        created_at=rfc3339(key.created_at),
    )


def created_response(made: MadePublishableKey) -> CreatedPublishableKeyResponse:
    """Return a new key with its text."""
    shown = key_response(made.key)
    fields = {name: getattr(shown, name) for name in shown.__struct_fields__}
    return CreatedPublishableKeyResponse(key=made.text, **fields)
