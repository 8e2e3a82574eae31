"""Publishable keys: what a web page may show to everyone, because it opens nothing but tokens."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.access.client_grant import ClientGrant

PREFIX: Final = "pk_"
_KEY: Final = re.compile(r"(pk_[a-z2-7]{12})_[A-Za-z0-9_-]{43}", re.ASCII)


def is_publishable(presented: str) -> bool:
    """Return whether a text is presented as a publishable key."""
    return presented.startswith(PREFIX)


def publishable_prefix(text: str) -> str | None:
    """Return the part of a key that it is found by; None for what is no such key."""
    parts = _KEY.fullmatch(text)
    return None if parts is None else parts[1]


@attrs.frozen(kw_only=True)
class PublishableKey:
    """A key for the pages of ``allowed_origins``, of which only the digest is kept."""

    id: str
    tenant: str | None
    agent_name: str
    allowed_origins: tuple[str, ...]
    requests_per_minute: int
    prefix: str
    digest: str
    created_at: datetime

    @property
    def grant(self) -> ClientGrant:
        """What it permits. It reads nothing: no route but the token endpoint takes it."""
        scopes = frozenset({Scope.SESSIONS_WRITE})
        access = Access(tenant=self.tenant, scopes=scopes, sees_unowned=False)
        return ClientGrant(access=access, agent_name=self.agent_name)
