"""What requests and responses of API keys have."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from litestar.params import PathParameter

from domain.access.access import WORK, Scope
from domain.access.api_key import parse_scopes
from domain.access.manage_keys import LONGEST_NAME, CreateKeyCommand, MadeKey
from domain.shared.errors import InvalidInput
from entrypoints.presenters.api_keys import ApiKeyResponse, key_response
from entrypoints.presenters.fields import documented

MOST_DAYS: Final = 36_500

KeyPrefix = Annotated[
    str,
    PathParameter(schema_extra={"pattern": "^blk_[a-z2-7]{12}$", "examples": ["blk_abcdefghijkl"]}),
]
Name = Annotated[
    str,
    documented(
        example="our frontend", min_length=1, max_length=LONGEST_NAME,
        description="What the key is known by.",
    ),
]  # fmt: skip
Tenant = Annotated[
    str | None,
    documented(
        example="acme", min_length=1, max_length=LONGEST_NAME,
        description="Keys of one tenant see the same; absent: a tenant of its own.",
    ),
]  # fmt: skip
Scopes = Annotated[
    list[str] | None,
    documented(
        example=sorted(WORK), min_items=1,
        description=f"Of {', '.join(f'`{scope}`' for scope in Scope)}; absent: "
        f"{', '.join(f'`{scope}`' for scope in sorted(WORK))}.",
    ),
]  # fmt: skip
Days = Annotated[
    int | None,
    documented(
        example=90, minimum=1, maximum=MOST_DAYS,
        description="Days after which the key stops working; absent: never.",
    ),
]  # fmt: skip


class CreateApiKeyRequest(msgspec.Struct, rename="camel", kw_only=True):
    """What the key is for."""

    name: Name
    tenant: Tenant = None
    scopes: Scopes = None
    expires_in_days: Days = None


class CreatedApiKeyResponse(ApiKeyResponse, rename="camel", kw_only=True):
    """A new API key; `key` is its text, which is shown this once only."""

    key: str


class ApiKeysResponse(msgspec.Struct, rename="camel", kw_only=True):
    """API keys, the newest first. Those of `API_KEYS` are not among them."""

    api_keys: list[ApiKeyResponse]


def command_of(body: CreateApiKeyRequest) -> CreateKeyCommand:
    """Return what was asked for. Raises ``InvalidInput``."""
    days = body.expires_in_days
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise InvalidInput(
            f"expiresInDays must be a whole number from 1 to {MOST_DAYS}.",
            field="expiresInDays", example=90,
        )  # fmt: skip
    if body.scopes is not None and not body.scopes:
        raise InvalidInput("A key needs a scope.", field="scopes", example=sorted(WORK))
    return CreateKeyCommand(
        name=body.name,
        tenant=body.tenant,
        scopes=WORK if body.scopes is None else parse_scopes(body.scopes, "scopes"),
        lasts=None if days is None else timedelta(days=days),
    )


def created_response(made: MadeKey, now: datetime) -> CreatedApiKeyResponse:
    """Return a new key with its text."""
    return CreatedApiKeyResponse(
        **msgspec.structs.asdict(key_response(made.key, now)), key=made.text
    )
