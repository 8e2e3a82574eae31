"""An API key as JSON."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from domain.access.access import Scope
from domain.access.api_key import ApiKey
from entrypoints.presenters.fields import Timestamp
from entrypoints.presenters.times import rfc3339, rfc3339_or_none


class KeyState(enum.StrEnum):
    """Whether a key opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ApiKeyResponse(msgspec.Struct, rename="camel", kw_only=True):
    """An API key without its text; `prefix` is the beginning of that. Times are RFC 3339.

    `lastUsedAt` is exact to a minute.
    """

    prefix: str
    name: str
    tenant: str
    scopes: list[Scope]
    state: KeyState
    created_at: Timestamp
    expires_at: Timestamp | None
    revoked_at: Timestamp | None
    last_used_at: Timestamp | None


def key_response(key: ApiKey, now: datetime) -> ApiKeyResponse:
    """Return the key as callers see it."""
    unusable = KeyState.REVOKED if key.revoked_at else KeyState.EXPIRED
    return ApiKeyResponse(
        prefix=key.prefix,
        name=key.name,
        tenant=key.tenant,
        scopes=sorted(key.scopes),
        state=KeyState.ACTIVE if key.is_usable(now) else unusable,
        created_at=rfc3339(key.created_at),
        expires_at=rfc3339_or_none(key.expires_at),
        revoked_at=rfc3339_or_none(key.revoked_at),
        last_used_at=rfc3339_or_none(key.last_used_at),
    )


def key_data(key: ApiKey) -> Mapping[str, Any]:
    """Return the data of the key's events: without its state, which changes by itself."""
    shown: dict[str, Any] = msgspec.to_builtins(key_response(key, key.created_at))
    del shown["state"]
    return shown
