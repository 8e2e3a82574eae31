"""API keys and limits."""

from __future__ import annotations

import re
from typing import Final

import attrs

from domain.access.api_key import FixedKey, digest
from entrypoints.settings import parsers
from entrypoints.settings.variable import optional

_NAMED_KEY: Final = re.compile(r"(?P<tenant>[a-z][a-z0-9-]{0,31})=(?P<key>.{16,})", re.ASCII)


def _api_keys(raw: str) -> tuple[FixedKey, ...]:
    """Take keys, each a tenant by itself, or ``tenant=key``: keys of one tenant."""
    found: list[FixedKey] = []
    for entry in (part.strip() for part in raw.split(",")):
        named = _NAMED_KEY.fullmatch(entry)
        key = named["key"] if named else entry
        if key and (len(key) < 16 or not key.isascii() or not key.isprintable()):
            raise ValueError(
                "must be a comma-separated list of keys of at least 16 printable characters, "
                "each by itself or as tenant=key; make one with: openssl rand -hex 32"
            )
        if key:
            hashed = digest(key)
            found.append(
                FixedKey(tenant=named["tenant"] if named else f"key-{hashed[:16]}", digest=hashed)
            )
    return tuple(found)


@attrs.frozen(kw_only=True, slots=False)
class AccessSettings:
    """API keys and limits."""

    api_keys: tuple[FixedKey, ...] = optional("API_KEYS", _api_keys, (), secret=True)
    rate_limit_enabled: bool = optional("RATE_LIMIT_ENABLED", parsers.boolean, default=True)
    requests_per_minute: int = optional("RATE_LIMIT_PER_MINUTE", parsers.whole(1, 10_000_000), 6000)
    max_sessions_per_key: int = optional("MAX_SESSIONS_PER_KEY", parsers.whole(1, 10_000_000), 1000)

    @property
    def rate_limit_per_minute(self) -> int | None:
        """How many requests a client may send in a minute; None if they are not limited."""
        return self.requests_per_minute if self.rate_limit_enabled else None
